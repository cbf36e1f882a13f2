"""The actions of AUDIT_LOG, read as words (see `words`).

API keys' actions have the verb in front (`DELETE_CONVERSATION`), all others behind their object
(`CONVERSATION_DELETE`, `GROUP_ADD_USERS`, `USER_ROLE_UPDATED`). The verb is, in this order:

1. the first word that is a verb and nothing else;
2. the last word, if it is a verb in the past tense, or one that is a noun as well (`SKILL_SHARE`);
3. the first word that is a verb and a noun (`EXPORT_WORKSPACE_SKILL`);
4. the last word in the past tense (`USER_DELETED_CONVERSATION`).

What an action was done to stands in front of its verb, or behind it if nothing stands in front;
where both together have a class (`USER_RESET_PASSWORD`, `GROUP_ADD_USERS`) they are the object.
Words about the circumstances (`BULK`, `FAILED`, `BY_ADMIN`) say nothing of either, and what
something is added to or taken from is its holder (`USER_ADDED_TO_GROUP`).
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from producer.contract.event import EventType
from producer.normaliser import ocsf
from producer.normaliser.families.audit_targets import Place, places_of
from producer.normaliser.families.words import (
    CLASSES,
    SIGNING,
    VERBS,
    event_type_of,
    one_object,
    present,
    words_of,
)
from producer.normaliser.ocsf import CREATE, DELETE, OTHER, READ, UPDATE
from producer.normaliser.rules import Rule

_API: Final = ocsf.API_ACTIVITY

# Actions, or objects with their verbs, that are not what their words say; in the singular.
ACTIONS: Final[dict[str, Rule]] = {
    "INVITE_USER": Rule("admin.config_change", ocsf.ACCOUNT_CHANGE, 1),
    # With whatever else follows: how a workspace invites, not an invitation.
    "INVITE_SET": Rule("admin.config_change", _API, UPDATE),
    "CONVERSATION_MESSAGE_RATING": Rule("agent.action", _API, CREATE),
    "SKILL_WORKSPACE_ACCESS": Rule("admin.config_change", _API, UPDATE),
    "WORKSPACE_POLICY_ACKNOWLEDGEMENT": Rule("agent.action", _API, CREATE),
}

# Verbs that are nouns as well: a list, an export, an invite.
NOUNS: Final = frozenset(
    {
        "ALLOW",
        "ARCHIVE",
        "BLOCK",
        "CHANGE",
        "CHECK",
        "CLONE",
        "COPY",
        "COUNT",
        "DOWNLOAD",
        "END",
        "EXPORT",
        "GRANT",
        "IMPORT",
        "INVITE",
        "ISSUE",
        "LINK",
        "LIST",
        "LOCK",
        "LOGIN",
        "LOGOUT",
        "PATCH",
        "POST",
        "PREVIEW",
        "QUERY",
        "READ",
        "REQUEST",
        "RESET",
        "SEARCH",
        "SHARE",
        "START",
        "STOP",
        "SYNC",
        "TRANSFER",
        "UPLOAD",
        "VIEW",
    }
)
# A verb in the past tense alone: accesses are something that one has.
_ACCESS: Final = "ACCESS"
# In front, a noun: the invitation of users, not the call to invite them.
_INVITE: Final = "INVITE"

# How it was done, or how it went, which the result of the record tells.
_CIRCUMSTANCES: Final = frozenset(
    {
        "ADMIN",
        "ALL",
        "AUTOMATICALLY",
        "BATCH",
        "BULK",
        "FAILED",
        "FORCE",
        "MASS",
        "PERMANENTLY",
        "SUCCEEDED",
        "TEMPORARILY",
    }
)
# What follows these words is not what it was done to.
_ASIDE: Final = re.compile(r"(?<=.)_(?:BY|VIA|OF|FOR|WITH|AS)_.*", re.DOTALL)
_HOLDER: Final = re.compile(r"(.+)_(?:TO|INTO|FROM)_(.+)", re.DOTALL)

# What people do with their own conversations and files is use, not configuration.
IN_USE: Final = frozenset(
    {"CONVERSATION", "CONVERSATION_MESSAGE", "CONVERSATION_MESSAGE_RATING", "FILE"}
)
CREDENTIALS: Final = frozenset({"API_KEY", "CREDENTIAL", "SECRET", "TOKEN"})

# Those that only a name without more words, or that of a user, has: a workspace's password, its
# second factor and its sessions are settings.
_ALONE: Final = frozenset({"PASSWORD", "PASSWORD_RESET", "MFA", "SESSION", "LOGIN", "LOGOUT"})
# What somebody may do, where nothing says whose it is.
_RIGHTS: Final = frozenset({"ACCESS", "PERMISSION", "PRIVILEGE"})
_RIGHT: Final = "USER_ROLE"
# Those that are what they are only with what stands behind the verb.
_PLAIN: Final = frozenset({"USER", "GROUP", "INVITE"})
# Who has users and groups, or brings them: what is done to one of theirs is done to that.
_HOLDERS: Final = frozenset({"WORKSPACE", "ORGANIZATION", "TENANT", "SCIM", "DIRECTORY"})

_ACTIONS_CACHED: Final = 1024
_CACHED_LENGTH_MAX: Final = 64


class Reading(msgspec.Struct, frozen=True):
    """What an action says: its rule, and where `action_data` may name what it was done to."""

    rule: Rule
    places: tuple[Place, ...]


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """An action taken apart: what stands in front of the verb, the verb, what stands behind."""

    said: str
    before: str
    verb: str = ""
    behind: str = ""
    holder: str = ""

    @property
    def noun(self) -> str:
        """What it was done to, as far as single words say it."""
        return self.before or self.behind

    @property
    def is_by_key(self) -> bool:
        """Whether it is an API key's: these have the verb in front."""
        return bool(self.verb) and not self.before


def read_action(action: str) -> Reading:
    """Read an action by its words."""
    return _cached(action) if len(action) <= _CACHED_LENGTH_MAX else _read_action(action)


def _read_action(action: str) -> Reading:
    words = _words(action)
    by_verb = f"{one_object(words.noun)}_{words.verb}"
    rule = ACTIONS.get(one_object(words.said)) or ACTIONS.get(by_verb) or _by_words(words)
    before = words.before if words.verb else words.said
    return Reading(rule, places_of(before, words.behind, rule.class_uid))


_cached = lru_cache(maxsize=_ACTIONS_CACHED)(_read_action)


def _words(action: str) -> _Words:
    """Take an action apart."""
    text = _ASIDE.sub("", "_".join(words_of(action)))
    held = _HOLDER.fullmatch(text)
    words = (text if held is None else held[1]).split("_")
    words = [word for word in words if word not in _CIRCUMSTANCES] or words
    place, verb = _verb(words)
    if not verb:
        return _without_verb(words)
    return _Words(
        said="_".join(words),
        before="_".join(words[:place]),
        verb=verb,
        behind="_".join(words[place + 1 :]),
        holder="" if held is None else held[2],
    )


def _verb(words: list[str]) -> tuple[int, str]:
    """Find the verb of an action and its place."""
    last = len(words) - 1
    verbs = [
        place
        for place, word in enumerate(words)
        if word in VERBS and word != _ACCESS and not (place == 0 and word == _INVITE)
    ]
    for place in verbs:
        if words[place] not in NOUNS:
            return place, words[place]
    if last and present(words[last]):
        return last, present(words[last])
    if last in verbs:
        return last, words[last]
    if verbs:
        return verbs[0], words[verbs[0]]
    past = [place for place in range(last) if present(words[place])]
    return (past[-1], present(words[past[-1]])) if past else (0, "")


def _without_verb(words: list[str]) -> _Words:
    """Take the last word for a verb that is not known, if the others have a class."""
    front = "_".join(words[:-1])
    noun = words[0] if words[0] == _INVITE or _object(front) is None else front
    return _Words(said="_".join(words), before=noun)


def _by_words(words: _Words) -> Rule:
    noun, verb = words.noun, words.verb
    if not noun and not verb:
        return Rule("agent.action", _API, ocsf.UNKNOWN)
    activity = VERBS.get(verb, OTHER)
    if verb in SIGNING:
        return _in_class(verb, verb)
    name = _object_of(words)
    if name is not None and activity != READ:
        return _in_class(name, verb)
    return Rule(_event_type(words, activity, known=name is not None), _API, activity)


def _in_class(name: str, verb: str) -> Rule:
    found = CLASSES[name]
    activity = found.activities.get(verb, found.other)
    return Rule(event_type_of(found, activity), found.class_uid, activity)


def _object_of(words: _Words) -> str | None:
    """Find the object with a class of its own that an action is about."""
    noun = words.noun
    both = [f"{words.holder}_{noun}"] if words.holder else []
    if words.before and words.behind:
        both.append(f"{words.before}_{words.behind}")
    for name in map(_object, both):
        if name is not None and name not in _PLAIN:
            return name
    found = _object(noun)
    if not words.before or not words.behind:
        return found
    if words.before in _HOLDERS:
        return found or _object(words.behind)
    # `USER_DELETE_FILE` deletes no user, `USER_UPDATE_NAME` changes one.
    part = found == "USER" and VERBS[words.verb] in (CREATE, READ, DELETE)
    return None if part else found


def _object(noun: str) -> str | None:
    """Find the object with a class of its own that a noun, or several of them, are."""
    one = one_object(noun)
    if one in _RIGHTS:
        return _RIGHT
    user = one.removeprefix("USER_")
    found = [
        name
        for name in CLASSES
        if one == name
        or (name in _ALONE and user == name)
        or (name not in _ALONE and one.endswith(f"_{name}"))
    ]
    return max(found, key=len, default=None)


def _event_type(words: _Words, activity: int, *, known: bool) -> EventType:
    """Tell what kind of event an action is.

    By key: reading is a call, all else changes a workspace. By people: their credentials, their
    own conversations and files, and what has no known verb; all else changes a workspace.
    """
    if words.is_by_key and activity == READ:
        return "api.call"
    noun = f"_{one_object('_'.join(filter(None, (words.before, words.behind))))}"
    if any(noun.endswith(f"_{name}") for name in CREDENTIALS):
        return "auth.action"
    if words.is_by_key:
        return "admin.config_change"
    if one_object(words.noun) in IN_USE or (not words.verb and not known):
        return "agent.action"
    return "admin.config_change"
