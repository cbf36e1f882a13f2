"""Where documents and live data disagree: each row of the reference's table, on both sides."""

from typing import Final

from tests.golden.cases import all_cases

# The topic of each row, and the cases that hold what the documents say, then what was observed.
DISAGREEMENTS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "auth example is no json": (
        frozenset({"auth_log/example-of-the-documents"}),
        frozenset({"auth_log/example-without-its-comma"}),
    ),
    "auth action_data": (
        frozenset({"auth_log/provider-documented"}),
        frozenset({"auth_log/role-observed"}),
    ),
    "client_ip_details": (
        frozenset({"audit_log/ip-details[missing]", "auth_log/ip-details[no details]"}),
        frozenset(
            {
                "audit_log/ip-details[number]",
                "audit_log/ip-details[prefixed]",
                "audit_log/ip-details[empty]",
                "auth_log/ip-details[number]",
                "auth_log/ip-details[prefixed]",
                "auth_log/ip-details[empty asn]",
                "auth_log/ip-details[asn missing]",
                "auth_log/ip-details[all empty]",
            }
        ),
    ),
    "auth client_user_agent": (
        frozenset({"auth_log/user-agent[null]"}),
        frozenset({"auth_log/user-agent[key missing]"}),
    ),
    "app output": (
        frozenset({"app_log/response-documented"}),
        frozenset(
            {"app_log/response-observed[success]", "app_log/response-observed[failure]"},
        ),
    ),
    "agent model": (
        frozenset({"custom_agents_log/agent-model[documented]"}),
        frozenset(
            {
                "custom_agents_log/agent-model[observed]",
                "custom_agents_log/agent-model[observed nulls]",
            }
        ),
    ),
    "user id": (
        frozenset({"audit_log/user-id[plain]"}),
        frozenset({"audit_log/user-id[account]", "custom_agents_log/agent-acts"}),
    ),
    "invite action": (
        frozenset({"audit_log/invite-documented"}),
        frozenset({"audit_log/invite-observed"}),
    ),
    "role change": (
        frozenset({"audit_log/role-change[new_role]"}),
        frozenset({"audit_log/role-change[role]", "audit_log/role-change[seat_type]"}),
    ),
    "codex status": (
        frozenset({"codex_log/status[completed]"}),
        frozenset(
            {"codex_log/status[success]", "codex_log/status[error]", "codex_log/error-observed"}
        ),
    ),
    "prompt_text on an answer": (
        frozenset({"codex_log/status[completed]"}),
        frozenset({"codex_log/prompt-text-on-an-answer"}),
    ),
    "costs estimated_cost_usd": (
        frozenset({"costs/estimate[documented]"}),
        frozenset({"costs/estimate[absent]", "costs/estimate[null]"}),
    ),
    "costs product": (
        frozenset({"costs/product[chatgpt]"}),
        frozenset({"costs/product[Work]", "costs/product[ChatGPT]", "costs/product[codex]"}),
    ),
    "ids": (
        frozenset({"identity/stated[0B8F6D0E-5F0A-4F0E-8D43-0D6A51A4A401]"}),
        frozenset({"conversation_message/ids-of-the-documents", "identity/stated[msg-123]"}),
    ),
    "event_id in examples": (
        frozenset({"audit_log/example-reuses-an-id"}),
        frozenset({"identity/examples-reuse-an-id"}),
    ),
}


def test_every_disagreement_has_its_cases() -> None:
    """Both sides of each row are written down, under these names."""
    named = {case.id for case in all_cases()}
    missing = [
        f"{topic}: {name}"
        for topic, sides in DISAGREEMENTS.items()
        for side in sides
        for name in sorted(side - named)
    ]
    assert [] == missing
    assert all(side for sides in DISAGREEMENTS.values() for side in sides)


def test_every_case_of_a_disagreement_is_of_a_row() -> None:
    """A topic that no row has would be a row that is missing here."""
    assert set(DISAGREEMENTS) == {case.topic for case in all_cases() if case.topic is not None}
