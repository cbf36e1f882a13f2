"""The words of which audit logs make up what was done: verbs, objects, and what both mean.

Both audit logs read their names as words, so that a name of tomorrow lands where its object
belongs. A verb is known in the present and, by the rules of English, in the past tense
(`DISABLED`, `DENIED`, `SUBMITTED`); an object is known in the singular and in the plural.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from producer.contract.event import EventType
from producer.normaliser import ocsf
from producer.normaliser.ocsf import CREATE, DELETE, OTHER, READ, UPDATE

# The verbs; the number is the activity of class 6003.
VERBS: Final[dict[str, int]] = {
    "CREATE": CREATE,
    "ADD": CREATE,
    "INSTALL": CREATE,
    "UPLOAD": CREATE,
    "IMPORT": CREATE,
    "CLONE": CREATE,
    "COPY": CREATE,
    "DUPLICATE": CREATE,
    "GENERATE": CREATE,
    "REGISTER": CREATE,
    "POST": CREATE,
    "PROVISION": CREATE,
    "ISSUE": CREATE,
    "LIST": READ,
    "GET": READ,
    "EXPORT": READ,
    "DOWNLOAD": READ,
    "VIEW": READ,
    "CHECK": READ,
    "READ": READ,
    "SEARCH": READ,
    "FETCH": READ,
    "RETRIEVE": READ,
    "COUNT": READ,
    "PREVIEW": READ,
    "REVEAL": READ,
    "QUERY": READ,
    "LOOK": READ,
    "ACCESS": READ,
    "DELETE": DELETE,
    "REMOVE": DELETE,
    "REVOKE": DELETE,
    "UNINSTALL": DELETE,
    "PURGE": DELETE,
    "DESTROY": DELETE,
    "ERASE": DELETE,
    "WIPE": DELETE,
    "CLEAR": DELETE,
    "DEREGISTER": DELETE,
    "DEPROVISION": DELETE,
    "UPDATE": UPDATE,
    "UPSERT": UPDATE,
    "EDIT": UPDATE,
    "MODIFY": UPDATE,
    "PATCH": UPDATE,
    "PUT": UPDATE,
    "SYNC": UPDATE,
    "ENFORCE": UPDATE,
    "REQUIRE": UPDATE,
    "CONFIGURE": UPDATE,
    "RENAME": UPDATE,
    "REPLACE": UPDATE,
    "SET": UPDATE,
    "UNSET": UPDATE,
    "TOGGLE": UPDATE,
    "CHANGE": UPDATE,
    "ALLOW": UPDATE,
    "DISALLOW": UPDATE,
    "APPROVE": UPDATE,
    "ACTIVATE": UPDATE,
    "DEACTIVATE": UPDATE,
    "REACTIVATE": UPDATE,
    "ENABLE": UPDATE,
    "DISABLE": UPDATE,
    "SUSPEND": UPDATE,
    "UNSUSPEND": UPDATE,
    "BAN": UPDATE,
    "UNBAN": UPDATE,
    "BLOCK": UPDATE,
    "UNBLOCK": UPDATE,
    "LOCK": UPDATE,
    "UNLOCK": UPDATE,
    "ARCHIVE": UPDATE,
    "UNARCHIVE": UPDATE,
    "RESTORE": UPDATE,
    "TRANSFER": UPDATE,
    "MIGRATE": UPDATE,
    "MOVE": UPDATE,
    "MERGE": UPDATE,
    "ROTATE": UPDATE,
    "RENEW": UPDATE,
    "REGENERATE": UPDATE,
    "EXTEND": UPDATE,
    "RESET": UPDATE,
    "PUBLISH": UPDATE,
    "UNPUBLISH": UPDATE,
    "ISOLATE": UPDATE,
    "SHARE": UPDATE,
    "UNSHARE": UPDATE,
    "ASSIGN": UPDATE,
    "UNASSIGN": UPDATE,
    "GRANT": UPDATE,
    "PROMOTE": UPDATE,
    "DEMOTE": UPDATE,
    "ATTACH": UPDATE,
    "DETACH": UPDATE,
    "BIND": UPDATE,
    "UNBIND": UPDATE,
    "LINK": UPDATE,
    "UNLINK": UPDATE,
    "CONNECT": UPDATE,
    "DISCONNECT": UPDATE,
    "ACCEPT": OTHER,
    "DECLINE": OTHER,
    "REJECT": OTHER,
    "DENY": OTHER,
    "INVITE": OTHER,
    "REQUEST": OTHER,
    "RESOLVE": OTHER,
    "CANCEL": OTHER,
    "WITHDRAW": OTHER,
    "SEND": OTHER,
    "RESEND": OTHER,
    "SUBMIT": OTHER,
    "JOIN": OTHER,
    "LEAVE": OTHER,
    "EXPIRE": OTHER,
    "VERIFY": OTHER,
    "START": OTHER,
    "STOP": OTHER,
    "END": OTHER,
    "TERMINATE": OTHER,
    "COMPLETE": OTHER,
    "LOGIN": OTHER,
    "LOGOUT": OTHER,
}

# What no rule of English tells.
PAST: Final = {
    "SENT": "SEND",
    "RESENT": "RESEND",
    "LEFT": "LEAVE",
    "BOUND": "BIND",
    "UNBOUND": "UNBIND",
    "WITHDRAWN": "WITHDRAW",
}

# Words for what has another word here, in the order in which they are put in.
SAME: Final = {
    "SERVICE_ACCOUNT": "USER",
    "USER_ACCOUNT": "USER",
    "MEMBER": "USER",
    "MEMBERSHIP": "USER",
    "GUEST": "USER",
    "INVITATION": "INVITE",
    "TWO_FACTOR": "MFA",
    "2FA": "MFA",
    "MFA_FACTOR": "MFA",
    "GROUP_OWNER": "GROUP_USER",
    # What somebody may do, by whatever it is told.
    "ROLE_USER": "USER_ROLE",
    "PROJECT_USER": "USER_ROLE",
    "USER_PERMISSION": "USER_ROLE",
    "USER_ACCESS": "USER_ROLE",
}


class Object(msgspec.Struct, frozen=True):
    """What happens to an object: its class, the activity of each verb in it and of all others."""

    class_uid: int
    activities: dict[str, int]
    other: int = OTHER
    event_type: EventType = "admin.config_change"


# The objects that have a class of their own in OCSF. The longest that ends a name is its object:
# the user of a workspace is a user, the user of a group is not.
CLASSES: Final[dict[str, Object]] = {
    "USER": Object(
        ocsf.ACCOUNT_CHANGE,
        {
            "CREATE": 1,
            "ADD": 1,
            "INVITE": 1,
            "IMPORT": 1,
            "REGISTER": 1,
            "PROVISION": 1,
            "JOIN": 1,
            "ENABLE": 2,
            "ACTIVATE": 2,
            "REACTIVATE": 2,
            "RESTORE": 2,
            "UNSUSPEND": 2,
            "UNBLOCK": 2,
            "UNBAN": 2,
            "DISABLE": 5,
            "DEACTIVATE": 5,
            "SUSPEND": 5,
            "BLOCK": 5,
            "BAN": 5,
            "DELETE": 6,
            "REMOVE": 6,
            "REVOKE": 6,
            "PURGE": 6,
            "DEPROVISION": 6,
            "LEAVE": 6,
            "LOCK": 9,
        },
    ),
    "INVITE": Object(
        ocsf.ACCOUNT_CHANGE,
        {
            "SEND": 1,
            "CREATE": 1,
            "DELETE": 6,
            "REMOVE": 6,
            "REVOKE": 6,
            "CANCEL": 6,
            "WITHDRAW": 6,
        },
    ),
    "PASSWORD": Object(
        ocsf.ACCOUNT_CHANGE, {"CHANGE": 3, "UPDATE": 3, "SET": 3, "RESET": 4}, OTHER, "auth.action"
    ),
    "PASSWORD_RESET": Object(ocsf.ACCOUNT_CHANGE, {}, 4, "auth.action"),
    "MFA": Object(
        ocsf.ACCOUNT_CHANGE,
        {"ENABLE": 10, "ADD": 10, "REGISTER": 10, "DISABLE": 11, "REMOVE": 11, "RESET": 11},
        OTHER,
        "auth.action",
    ),
    "GROUP": Object(
        ocsf.GROUP_MANAGEMENT,
        {"CREATE": 6, "DELETE": 5, "ADD": 3, "JOIN": 3, "REMOVE": 4, "LEAVE": 4},
    ),
    "GROUP_USER": Object(
        ocsf.GROUP_MANAGEMENT,
        {
            "ADD": 3,
            "CREATE": 3,
            "ASSIGN": 3,
            "JOIN": 3,
            "REMOVE": 4,
            "DELETE": 4,
            "UNASSIGN": 4,
            "REVOKE": 4,
            "LEAVE": 4,
        },
    ),
    "ROLE": Object(
        ocsf.USER_ACCESS,
        {"ASSIGN": 1, "GRANT": 1, "BIND": 1, "UNASSIGN": 2, "REVOKE": 2, "UNBIND": 2},
    ),
    "ROLE_ASSIGNMENT": Object(
        ocsf.USER_ACCESS, {"CREATE": 1, "ADD": 1, "DELETE": 2, "REMOVE": 2, "REVOKE": 2}
    ),
    # To alter what somebody has is to assign.
    "USER_ROLE": Object(
        ocsf.USER_ACCESS,
        {
            "UPDATE": 1,
            "CHANGE": 1,
            "EDIT": 1,
            "SET": 1,
            "ADD": 1,
            "INVITE": 1,
            "ASSIGN": 1,
            "GRANT": 1,
            "CREATE": 1,
            "REMOVE": 2,
            "UNASSIGN": 2,
            "REVOKE": 2,
            "DELETE": 2,
        },
    ),
    "SESSION": Object(
        ocsf.AUTHENTICATION,
        {"REVOKE": 2, "DELETE": 2, "END": 2, "TERMINATE": 2, "EXPIRE": 2},
    ),
    "SESSION_REVOCATION": Object(ocsf.AUTHENTICATION, {}, 2),
    # As verbs, too: to sign in and out is the same whatever else is named.
    "LOGIN": Object(ocsf.AUTHENTICATION, {}, 1),
    "LOGOUT": Object(ocsf.AUTHENTICATION, {}, 2),
}

# The verbs that are classes of their own.
SIGNING: Final = frozenset({"LOGIN", "LOGOUT"})
# What event an authentication is, by its activity.
SIGNS: Final[dict[int, EventType]] = {1: "auth.signin", 2: "auth.signout"}

_SIGN_IN: Final = re.compile(r"(?<![^_])(?:LOG|LOGGED|SIGN|SIGNED)_?(?:IN|ON)(?![^_])")
_SIGN_OUT: Final = re.compile(r"(?<![^_])(?:LOG|LOGGED|SIGN|SIGNED)_?(?:OUT|OFF)(?![^_])")

_WORDS_KEPT: Final = 4096
_WORD_LENGTH_MAX: Final = 32
_NOT_PLURAL_LENGTH_MAX: Final = 3


def words_of(name: str) -> list[str]:
    """Give the words of a name; signing in and out are one word, however they are written."""
    said = "_".join(filter(None, name.upper().replace(".", "_").split("_")))
    return _SIGN_OUT.sub("LOGOUT", _SIGN_IN.sub("LOGIN", said)).split("_")


def present(word: str) -> str:
    """Give the verb that a word is the past tense of; empty if it is none."""
    return _present(word) if len(word) <= _WORD_LENGTH_MAX else ""


@lru_cache(maxsize=_WORDS_KEPT)
def _present(word: str) -> str:
    if word in PAST:
        return PAST[word]
    if not word.endswith("ED"):
        return ""
    stem = word[:-2]
    stems = (word[:-1], stem, f"{stem[:-1]}Y" if stem.endswith("I") else "", stem[:-1])
    doubled = stem[-2:-1] == stem[-1:]
    return next((one for one in stems[: 4 if doubled else 3] if one in VERBS), "")


def one_object(noun: str) -> str:
    """Give a noun as the tables have it: each word in the singular, and one word for the same."""
    found = "_".join(map(singular, noun.split("_")))
    for word, same in SAME.items():
        if word in found:
            found = f"_{found}_".replace(f"_{word}_", f"_{same}_")[1:-1]
    return found


def singular(word: str) -> str:
    """Give a word without the ending of the plural, whatever its case."""
    if len(word) <= _NOT_PLURAL_LENGTH_MAX or not word.endswith("S") or word.endswith("SS"):
        return word
    return f"{word[:-3]}Y" if word.endswith("IES") else word[:-1]


def event_type_of(found: Object, activity: int) -> EventType:
    """Tell what kind of event it is if that happens to an object."""
    if found.class_uid == ocsf.AUTHENTICATION:
        return SIGNS.get(activity, "auth.action")
    return found.event_type
