"""What an action of AUDIT_LOG was done to: one of the ids in its `action_data`.

In this order:

1. the action's own object, which stands before its verb, by its last word: `<object>_id`, also
   under the object's other name, then `id`, then `<words>_<object>_id`; then what its other words
   and those behind the verb are about;
2. the feature that a workspace has or has not;
3. another id that is known, people first, or last where an API key acts: it names whose it is;
4. the tenant, where the action names it.

Members are told beside their group, and a role beside the person who has it. Who did something to
an object, or owns it, is not what it was done to.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from producer.contract.event import Target
from producer.normaliser import ocsf
from producer.normaliser.actors import person_id
from producer.normaliser.families.ids import ids_in, kind_of, read_name
from producer.normaliser.families.words import one_object, singular
from producer.normaliser.reading import Findings, JsonObject, identifier

# What fields call the objects of actions, from object to field.
OTHER_NAMES: Final[dict[str, str]] = {
    "access_token": "credential",
    "canvas": "textdoc",
    "gpt": "gizmo",
    "group_chat": "room",
    "site": "project",
}
# What an action can be about beside its own object.
THINGS: Final = (
    "conversation",
    "gpt",
    "project",
    "app",
    "connector",
    "agent",
    "skill",
    "plugin",
    "site",
    "environment",
    "group",
    "role",
    "file",
    "access_token",
    "session",
    "invite",
)
# Objects that are about a person rather than what their words say.
OF_PEOPLE: Final = frozenset({"USER_ROLE"})

# What is said in a conversation or a session, by the kinds of their ids.
CONVERSATIONS: Final = ("conversation", "room")
SESSIONS: Final = ("session", "run", "thread")

_TALKS: Final = ("conversation", "group_chat")
_USER: Final = "USER"
_GROUP: Final = "GROUP"
_PERSON: Final = "user"
_FEATURE: Final = "feature"
# Fields that name a target without being called an id.
_ALONE: Final = ("id", _FEATURE)
_TENANTS: Final = ("WORKSPACE", "ORGANIZATION", "TENANT")
# The name of an object becomes the kind of a target, so it must hold nobody's words.
_PLAIN: Final = re.compile(r"[A-Z0-9_]{1,64}")
# Words of a name that say who did it, or whose it is.
_OF_OTHERS: Final = re.compile(
    r"(?:^|_)(?:by|owner|creator|author|actor|acting|admin|inviter|sender|initiator|delegator"
    r"|requester|requestor|approver|reviewer|assigner|granter)_"
)
# Names of objects have one to four words; whoever writes a million must not have them all joined.
_WORDS_MAX: Final = 8


class Place(msgspec.Struct, frozen=True):
    """Where a target's id may be: a field, or all fields that end so."""

    name: str
    kind: str
    is_end: bool = False


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of `action_data`: the target and its field, where it was, with whom, the rest."""

    target: Target | None = None
    field: str = ""
    conversation: str | None = None
    session: str | None = None
    recipient: str | None = None
    beside: dict[str, str]


def places_of(before: str, behind: str, class_uid: int) -> tuple[Place, ...]:
    """Tell where to look for what was done, by what stands before and behind its verb, in order.

    An API key's action has nothing before its verb.
    """
    if behind and before in _TENANTS and class_uid != ocsf.API_ACTIVITY:
        # To add a user to a workspace is done to the user.
        before, behind = behind, before
    words = _object_words(before or behind, class_uid)
    own = [word for word in words if word not in _TENANTS] or words
    people = (*_exact(_PERSON), *_ending(_PERSON))
    things = [place for kind in THINGS for place in _exact(kind)]
    return (
        *_own(own),
        *(_around(_split(behind)) if before else ()),
        Place(_FEATURE, _FEATURE),
        *((*people, *things) if before else (*things, *people)),
        *(place for word in words if word in _TENANTS for place in _exact(word.lower())),
    )


def _object_words(noun: str, class_uid: int) -> list[str]:
    if one_object(noun) in OF_PEOPLE:
        return [_USER]
    words = _split(noun)
    if class_uid != ocsf.GROUP_MANAGEMENT:
        return words
    ends = [place for place, word in enumerate(words) if singular(word) == _GROUP]
    return words[: ends[-1] + 1] if ends else [_GROUP]


def _split(noun: str) -> list[str]:
    return noun.split("_")[-_WORDS_MAX:] if _PLAIN.fullmatch(noun) else []


def _own(words: list[str]) -> list[Place]:
    """Give the places of an action's own object: its last word, then those in front of it."""
    if not words:
        return [Place("id", "object")]
    names = _names(words)
    own = Place("id", kind_of(names[0]) or names[0])
    return [*_each(_exact, names), own, *_each(_ending, names), *_around(words[:-1])]


def _around(words: list[str]) -> list[Place]:
    """Give the places of objects that stand beside it, the last one first."""
    ends = (_names(words[:end]) for end in range(len(words), 0, -1))
    return [place for names in ends for place in (*_each(_exact, names), *_each(_ending, names))]


def _each(places: Callable[[str], list[Place]], names: list[str]) -> Iterator[Place]:
    return (place for name in names for place in places(name))


def _names(words: list[str]) -> list[str]:
    """Give what words may be called, the longest name first: `custom_gpt`, `gpt`."""
    last = words[-1]
    ones = (last,) if kind_of(last.lower()) else dict.fromkeys((singular(last), last))
    starts = range(len(words))
    return ["_".join((*words[start:-1], one)).lower() for start in starts for one in ones]


def _exact(name: str) -> list[Place]:
    return [Place(f"{one}_id", kind) for one, kind in _called(name)]


def _ending(name: str) -> list[Place]:
    return [Place(f"_{one}_id", kind, is_end=True) for one, kind in _called(name)]


def _called(name: str) -> list[tuple[str, str]]:
    """Give an object's names with its kind."""
    kind = kind_of(name) or name
    other = OTHER_NAMES.get(name)
    return [(name, kind)] if other is None else [(name, kind), (other, kind)]


def ids_of(data: JsonObject, places: tuple[Place, ...], findings: Findings, *, talks: bool) -> Ids:
    """Read the ids of `action_data`. Only where one `talks` in a session is it the event's."""
    if not data:
        return Ids(beside={})
    beside = ids_in(data, findings)
    field, kind = _find(data, places) or ("", "")
    beside.pop(field, None)
    id_ = person_id(str(data[field])) if field else None
    recipient = identifier(data, "principal_id", findings)
    return Ids(
        target={"kind": kind, "id": id_, "name": None} if field else None,
        field=field,
        conversation=id_ if kind in _TALKS else _taken_out(beside, CONVERSATIONS),
        session=(id_ if kind in SESSIONS else _taken_out(beside, SESSIONS)) if talks else None,
        recipient=None if recipient is None else person_id(recipient),
        beside=beside,
    )


def _find(data: JsonObject, places: tuple[Place, ...]) -> tuple[str, str] | None:
    """Find the field that names the target, and its kind; of several that end so, the first."""
    names = [name for name in sorted(data) if _may_name(name, data[name])]
    for place in places if names else ():
        if place.name in names:
            return place.name, place.kind
        for name in names if place.is_end else ():
            if name.endswith(place.name) and _OF_OTHERS.search(name) is None:
                return name, place.kind
    return None


def _may_name(name: str, value: object) -> bool:
    is_id = type(value) is int or (type(value) is str and value != "")
    return is_id and (name.endswith("_id") or name in _ALONE)


def _taken_out(ids: dict[str, str], kinds: tuple[str, ...]) -> str | None:
    """Take the id of one of these kinds out of the others, the shortest name of the first kind."""
    found = [
        (kinds.index(said.kind), len(name), name)
        for name in ids
        if (said := read_name(name)) is not None and said.ending == "id" and said.kind in kinds
    ]
    return ids.pop(min(found)[2]) if found else None
