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
        ("some-model-5-5", "some-model-5-5"),
        ("gpt-5-5" + "x" * 100, "gpt-5-5" + "x" * 100),
        ("gpt-5-5-" + "x" * 100, "gpt-5.5-" + "x" * 100),
    ],
)
def test_models_have_a_pricing_name_by_rule(raw: str, pricing: str) -> None:
    """A hyphenated minor version becomes one with a point; dates and everything else stay."""
    assert {"raw": raw, "normalised": pricing} == model_of(raw)
