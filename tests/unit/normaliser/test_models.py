"""The pricing names of models."""

import pytest

from producer.normaliser.models import model_of


@pytest.mark.parametrize(
    ("raw", "pricing"),
    [
        ("gpt-5-5", "gpt-5.5"),
        ("gpt-5.5", "gpt-5.5"),
        ("gpt-5", "gpt-5"),
        ("gpt-5-2-pro", "gpt-5.2-pro"),
        ("gpt-5-6-thinking", "gpt-5.6-thinking"),
        ("gpt-4-1-mini", "gpt-4.1-mini"),
        ("gpt-4-1-2025-04-14", "gpt-4.1-2025-04-14"),
        ("gpt-5-12", "gpt-5.12"),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max"),
        ("gpt-5-codex", "gpt-5-codex"),
        ("gpt-5-2025-08-07", "gpt-5-2025-08-07"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("gpt-4-32k", "gpt-4-32k"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo"),
        ("o4-mini", "o4-mini"),
        ("GPT-5-5", "gpt-5.5"),
        ("openai/gpt-5-5", "gpt-5.5"),
        ("azure/gpt-5-5", "gpt-5.5"),
        ("azure/openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("OpenAI/o4-mini", "o4-mini"),
        ("chatgpt-5-5", "chatgpt-5.5"),
        ("chatgpt-4o-latest", "chatgpt-4o-latest"),
        ("gpt-5-5:high", "gpt-5.5"),
        ("o4-mini:low", "o4-mini"),
        ("gpt-5-5@2026-01-01", "gpt-5.5@2026-01-01"),
        ("gpt-4o@2024-08-06", "gpt-4o@2024-08-06"),
        ("gpt-5-5-thinking", "gpt-5.5-thinking"),
        ("gpt-5-1-codex-max", "gpt-5.1-codex-max"),
        ("gpt-5-5-2026-01-01", "gpt-5.5-2026-01-01"),
        ("gpt-3-5-turbo-16k", "gpt-3.5-turbo-16k"),
        ("gpt-4-1106-preview", "gpt-4-1106-preview"),
        ("gpt-4-10-06", "gpt-4-10-06"),
        ("gpt-5-0", "gpt-5-0"),
        ("gpt-oss-120b", "gpt-oss-120b"),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "ft:gpt-4o-mini-2024-07-18"),
        ("ft:gpt-4-1-mini:my-org:custom:7p4lURel", "ft:gpt-4.1-mini"),
        ("ft:gpt-4-0613", "ft:gpt-4-0613"),
        (" gpt-5-5 ", "gpt-5.5"),
        ("some-model-5-5", "some-model-5-5"),
        ("some-model:7b", "some-model:7b"),
        ("meta/llama-3-1", "meta/llama-3-1"),
        ("my-gpt-5-5", "my-gpt-5-5"),
        ("gpt-5-5" + "x" * 100, "gpt-5-5" + "x" * 100),
        ("gpt-5-5-" + "x" * 100, "gpt-5.5-" + "x" * 100),
    ],
)
def test_models_have_a_pricing_name_by_rule(raw: str, pricing: str) -> None:
    """A hyphenated minor version becomes one with a point; dates and everything else stay."""
    assert {"raw": raw, "normalised": pricing} == model_of(raw)
