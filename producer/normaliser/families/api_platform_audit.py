"""The audit log of the API platform: what was done in an organisation, to keys, people and roles.

A record says by its type what was done (`tenant.group.member.added`) and has the details under a
key of that name; copies of the log may write `_` for the dots.
"""

from typing import Final

from producer.contract.event import Target
from producer.contract.source import Include
from producer.normaliser.actors import person_at, person_id, user, who_acted
from producer.normaliser.envelope import epoch_instant
from producer.normaliser.families.api_platform_types import read_type
from producer.normaliser.families.audit_targets import ids_of
from producer.normaliser.families.ids import attributes_of, ids_in
from producer.normaliser.privacy import Content, NetworkPlace, json_text, word_list
from producer.normaliser.reading import (
    EMPTY,
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    required_text,
    text,
    texts,
)
from producer.normaliser.rules import Draft, Family, Who

NAME: Final = "organization.audit_log"

# What details tell beside the ids that their names tell. Who got a role is not the principal whose
# record it is.
ATTRIBUTES: Final = {
    "principal_id": "openai_compliance.recipient.id",
    "principal_type": "openai_compliance.recipient.type",
    "resource_type": "openai_compliance.resource.type",
    "identity_provider_id": "openai_compliance.identity_provider.id",
    "error_code": "error.type",
}
# The objects inside details that hold what was set.
SET: Final = ("data", "changes_requested")
# The lists of what one record was done to.
LISTS: Final = {"certificates": "certificate", "configs": "ip_allowlist_config"}

# The kinds of actors that only this log has.
ACTORS: Final = frozenset({"session", "api_key"})

# A type may be called like a field that all records have.
_OWN_NAMES: Final = frozenset({"actor", "project", "type", "object", "id", "effective_at"})

NETWORK: Final = NetworkPlace(
    path=("actor", "session"),
    ip="ip_address",
    user_agent="user_agent",
    details="ip_address_details",
)


def has_its_actor(record: JsonObject) -> bool:
    """Whether a record has the time and an actor of this log, as its name may be missing."""
    actor = record.get("actor")
    kind = actor.get("type") if type(actor) is dict else None
    return "effective_at" in record and type(kind) is str and kind in ACTORS


def occurred_at(record: JsonObject, findings: Findings) -> int:
    """Read the time, which is epoch seconds."""
    return epoch_instant(record, "effective_at", findings)


def who(record: JsonObject, findings: Findings) -> Who:
    """Read the actor: a person by their session, or a key on behalf of whose it is."""
    acting = who_acted(record, findings)
    key = mapping(mapping(record, "actor", findings), "api_key", findings)
    owner = _owner(key, findings)
    if owner is None:
        return acting
    if acting.kind != "api_key":
        return owner if acting.kind == "unknown" else acting
    return Who(kind=acting.kind, id=acting.id, email=owner.email, on_behalf_of=owner.id)


def _owner(key: JsonObject, findings: Findings) -> Who | None:
    """Read whose a key is: a person's or a service account's."""
    person = mapping(key, "user", findings)
    account = person_at(mapping(key, "service_account", findings), "id", findings)
    if account is not None:
        return Who(kind="service_account", id=account)
    return user(identifier(person, "id", findings), text(person, "email", findings), findings)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a record of the API platform's audit log tells."""
    name = required_text(record, "type", findings)
    details = _details(record, name, findings)
    reading = read_type(name)
    project = mapping(record, "project", findings)
    role, scopes = _was_set(details, findings)
    ids = ids_of(details, reading.places, findings, talks=False)
    target = _target(reading.kind, details, findings)
    return Draft(
        rule=reading.rule,
        action=name,
        target=ids.target if target is None else target,
        extra=(
            *attributes_of(ids.beside if target is None else ids_in(details, findings)),
            ("openai_compliance.project.id", person_at(project, "id", findings)),
            ("openai_compliance.role", role),
            word_list("openai_compliance.scopes", scopes, findings),
            # Not the project that the action was in: the one that something was set for.
            (
                "openai_compliance.data.project_id",
                person_at(mapping(details, "data", findings), "project_id", findings),
            ),
            *(
                (attribute, person_at(details, field, findings))
                for field, attribute in ATTRIBUTES.items()
                if field in details
            ),
        ),
    )


def _details(record: JsonObject, name: str, findings: Findings) -> JsonObject:
    """Find the details under the name of the type, each with dots or with `_` for the dots."""
    key = name if name in record else _stored(name)
    if key not in record:
        key = min((one for one in record if _stored(one) == key), default=key)
    return mapping(record, key, findings) if key not in _OWN_NAMES else EMPTY


def _stored(name: str) -> str:
    return name.replace(".", "_")


def _was_set(details: JsonObject, findings: Findings) -> tuple[str | None, list[str]]:
    """Give the role and the scopes that someone or something got."""
    role = None
    scopes: list[str] = []
    for name in SET:
        holder = mapping(details, name, findings)
        role = role or text(holder, "role", findings)
        scopes = scopes or texts(holder, "scopes", findings)
    return role, scopes


def _target(kind: str, details: JsonObject, findings: Findings) -> Target | None:
    """Find what it was done to: the object's id, or that of a list of one."""
    found = identifier(details, "id", findings)
    if found is not None:
        return {"kind": kind, "id": person_id(found), "name": None}
    for name, each in LISTS.items():
        ids = [identifier(item, "id", findings) for item in objects(details, name, findings)]
        if ids:
            return {"kind": each, "id": ids[0] if len(ids) == 1 else None, "name": None}
    return None


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give all details: which of their fields are names differs from type to type."""
    details = _details(record, text(record, "type", findings) or "", findings)
    return {"details": json_text(include, details)} if details else {}


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who,
    content=content,
    network=NETWORK,
    name=NAME,
    id_names=("id",),
    type_names=("object",),
)
