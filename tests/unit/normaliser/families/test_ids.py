"""Ids by hand: by the names of their fields, as many as an event may have."""

import pytest

from producer.normaliser.families.ids import IDS_MAX, attributes_of, ids_in, read_name
from producer.normaliser.reading import Findings, JsonObject
from tests.unit.normaliser.lines import a_record, own_attributes, the_event


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("user_id", "user"),
        ("logged_out_user_id", "user"),
        ("added_user_ids", "user"),
        ("allowed_workspace_group_ids_before", "group"),
        ("service_account_id", "service_account"),
        ("account_id", None),
        ("widget_id", None),
        ("_user_id", None),
        ("User_id", None),
        ("bob@example.org_user_id", None),
        ("user_id_of_somebody", None),
        ("user_id\n", None),
        ("user", None),
        ("_id", None),
        ("", None),
        ("a" * 56 + "_user_id", "user"),
        ("a" * 57 + "_user_id", None),
        ("a_" * 1_000_000 + "user_id", None),
    ],
)
def test_names_tell_what_an_id_is_of(name: str, kind: str | None) -> None:
    """By their last words; a name of another form than the provider's is none."""
    said = read_name(name)
    assert kind == (said and said.kind)


@pytest.mark.parametrize(
    ("values", "ids", "flags"),
    [
        ({"user_id": "user-1__ws"}, {"user_id": "user-1"}, {}),
        ({"user_id": 7, "app_id": "", "role_id": None}, {"user_id": "7"}, {}),
        ({"user_id": True}, {}, {"ignored.user_id": "not a string"}),
        ({"user_id": ["user-1"]}, {}, {"ignored.user_id": "not a string"}),
        ({"user_ids": "user-1"}, {"user_ids": "user-1"}, {}),
        ({"user_ids": ["user-2__ws", 7, "", None]}, {"user_ids": "user-2,7"}, {}),
        ({"user_ids": [[], True]}, {}, {"ignored.user_ids": "items that are no ids"}),
        ({"user_ids": []}, {}, {}),
        (
            {"user_ids": ["user-1", "user-2, who left"]},
            {"user_ids": "user-1"},
            {"ignored.user_ids": "items that are no ids"},
        ),
        (
            {"user_ids": "hand it over, soon"},
            {},
            {"ignored.user_ids": "items that are no ids"},
        ),
        ({"zz_id": ["x"], "zz_ids": "x"}, {}, {}),
    ],
)
def test_ids_are_read_as_they_are(
    values: JsonObject, ids: dict[str, str], flags: dict[str, str]
) -> None:
    """Of people without their workspaces, of lists between commas; what is no id is flagged."""
    findings = Findings()
    assert (ids, flags) == (ids_in(values, findings), findings.flags)


def test_an_event_has_so_many_ids() -> None:
    """Whoever writes a million of them gets an event of the usual size, and a count."""
    data = {f"a{number:03}_user_id": f"user-{number}" for number in range(IDS_MAX + 3)}
    for record in (
        a_record("AUDIT_LOG", action="DOMAIN_CHECK", action_data=data),
        a_record("NEW_LOG", **data),
        a_record("NEW_LOG", **{f"thing_{name[1:4]}": {name: "x"} for name in data}),
    ):
        event = the_event(record)
        assert {"ids_left_out": "3"} == event["flags"]
        shown = [name for name in own_attributes(event) if name.endswith("user.id")]
        assert IDS_MAX - (event["target"] is not None) == len(shown)


def test_what_is_no_id_is_flagged_so_often() -> None:
    """Fields that are called ids and are none count as well, and take their flags with them."""
    findings = Findings()
    assert {} == ids_in({f"a{number}_user_id": True for number in range(1000)}, findings)
    assert IDS_MAX + 1 == len(findings.flags)


def test_attributes_are_called_as_fields_are() -> None:
    """But for those that have a name of their own."""
    found = {"deleted_user_id": "a", "role_ids_before": "b", "response_id": "c"}
    assert (
        ("openai_compliance.deleted_user.id", "a"),
        ("openai_compliance.role.ids_before", "b"),
        ("gen_ai.response.id", "c"),
    ) == attributes_of(found)
