"""Personal data reaches an event only where the source lets it in, whatever field it stands in.

A canary is put into every string of every sample and of every golden case, in the form of an id,
of a text, of an e-mail and of an address of the network; and into every key. Where canaries may
come out again is listed in `shown.yaml`, so that a field that begins to leak fails.
"""

import json
import logging
import urllib.request
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from producer.cli.wiring.observing import Observer
from producer.contract.source import Include
from producer.telemetry.metrics import Metrics
from tests.golden.reading import read
from tests.unit.normaliser.canaries import (
    FORMS,
    records,
    seen,
    shown_paths,
    told_of,
    with_a_key_replaced,
    with_canaries,
)
from tests.unit.normaliser.test_stage import Normaliser

_SHOWN: Final = {
    name: frozenset(paths) for name, paths in read(Path(__file__).with_name("shown.yaml")).items()
}
IDS: Final = _SHOWN["ids"]
WORDS: Final = frozenset().union(*(_SHOWN[name] for name in ("enumerations", "names", "labels")))
FLAT: Final = _SHOWN["flat"]
FLAT_FLAGS: Final = "content_classification."
TEXTS: Final = _SHOWN["labels"] | _SHOWN["own_ids"]
EMAILS: Final = _SHOWN["emails"]
NETWORK: Final = _SHOWN["network"]
NETWORK_FIELDS: Final = _SHOWN["fields_of_the_network"]
USER_AGENTS: Final = frozenset(name for name in NETWORK if name.lower().endswith("agent"))

EMAIL_FORMS: Final = ("email", "undotted", "encoded", "wide")

NOTHING: Final = Include()
OPTIONS: Final = [
    Include(email=email, network=network, content=content)
    for email, network, content in product([False, True], repeat=3)
]


def is_word(path: str) -> bool:
    """Whether a word may show at a path with every option off."""
    return path.rpartition(".")[2] in IDS or path in WORDS | FLAT or path.startswith(FLAT_FLAGS)


def is_of_the_network(path: str) -> bool:
    """Whether a path is, or is within, an object or a field of network data."""
    return any(
        name in NETWORK_FIELDS or name.startswith("openai/user") for name in path.split(".")
    )


def test_words_show_where_ids_and_enumerations_belong() -> None:
    """By default the provider's ids, enumerations and names show, and nothing else does."""
    shown = shown_paths("token", NOTHING)
    assert [] == sorted(path for path in shown if not is_word(path))
    assert WORDS <= shown | {"author.role", "author.tool_name"}


@pytest.mark.parametrize(
    ("form", "allowed"),
    [
        ("text", TEXTS),
        ("commas", TEXTS),
        *((form, frozenset()) for form in EMAIL_FORMS),
        ("ipv4", frozenset()),
        ("ipv6", frozenset()),
    ],
)
def test_personal_data_shows_nowhere_by_default(form: str, allowed: frozenset[str]) -> None:
    """Not even in the fields that are for ids and enumerations."""
    assert [] == sorted(shown_paths(form, NOTHING) - allowed)


@pytest.mark.parametrize("include", OPTIONS, ids=str)
@pytest.mark.parametrize("form", EMAIL_FORMS)
def test_emails_show_with_emails_alone(form: str, *, include: Include) -> None:
    """In the actor, in ids, and in content where that is included too."""
    shown = shown_paths(form, include)
    odd = {path for path in shown if not (path in EMAILS or is_word(path))}
    if not include.email:
        assert frozenset() == shown
    elif not include.content:
        assert set() == odd - (NETWORK if include.network else set())
    if include.email:
        assert {"actor.user_email", "payload.identity.email"} <= shown


@pytest.mark.parametrize("include", OPTIONS, ids=str)
@pytest.mark.parametrize("form", ["ipv4", "ipv6"])
def test_addresses_show_with_the_network_alone(form: str, *, include: Include) -> None:
    """As the network, in ids, and in content where that is included too."""
    shown = shown_paths(form, include)
    if not include.network:
        assert frozenset() == shown
        return
    assert {"request_metadata.client_ip", "actor.session.ip_address"} <= shown
    if not include.content:
        assert [] == sorted(path for path in shown - NETWORK if not is_word(path))


@pytest.mark.parametrize("include", OPTIONS, ids=str)
@pytest.mark.parametrize("form", ["text", "commas", "token"])
def test_texts_show_with_content_alone(form: str, *, include: Include) -> None:
    """User agents are of several words too; network data within content needs its own option."""
    shown = shown_paths(form, include) - shown_paths(form, NOTHING)
    if not include.network:
        assert [] == sorted(path for path in shown if is_of_the_network(path))
    if not include.content:
        network = NETWORK if form == "token" else USER_AGENTS
        assert [] == sorted(shown - (network if include.network else set()))
    else:
        assert {"event_details.prompt_text", "message.content.value", "title"} <= shown


@pytest.mark.parametrize("form", ["token", "text", *EMAIL_FORMS, "ipv4"])
def test_keys_show_nowhere(form: str) -> None:
    """A key that is a canary is an unknown field; only flat flags take over names, if words."""
    leaks = {
        path
        for record in records()
        for path, changed in with_a_key_replaced(record, FORMS[form])
        if seen(told_of(json.dumps(changed).encode(), NOTHING))
    }
    flat = {path for path in leaks if path.startswith((FLAT_FLAGS, "flags."))}
    assert set() == leaks - (flat if form == "token" else set())


@pytest.mark.parametrize("form", FORMS)
def test_logs_and_metrics_hold_no_record(
    form: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stage as it runs: what it logs, counts and writes tells numbers and kinds."""
    metrics = Metrics()
    stage = Normaliser(on_committed=Observer(metrics).normalised)
    lines = [json.dumps(with_canaries(record, FORMS[form], [])).encode() for record in records()]
    lines += [FORMS[form](7).encode(), json.dumps({FORMS[form](7): FORMS[form](7)}).encode()]
    with caplog.at_level(logging.DEBUG):
        stage.normalise(*lines)
    with metrics.shown(host="127.0.0.1", port=0) as port:
        address = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(address) as answer:
            exposed = answer.read().decode()
    written = capsys.readouterr()
    assert "records.normalised" in caplog.text
    assert "openai_compliance_" in exposed
    assert set() == seen(repr((caplog.text, caplog.records, exposed, written.out, written.err)))


@pytest.mark.parametrize("form", FORMS)
def test_failures_do_not_quote_the_record(form: str) -> None:
    """The payload of a dead letter holds the line; nothing beside it does."""
    canary = FORMS[form](7)
    lines = [
        canary,
        json.dumps({canary: canary}),
        json.dumps({"type": [canary]}),
        json.dumps({"type": "AUTH_LOG", "timestamp": canary, "principal": {"id": canary}}),
        json.dumps({"type": canary, "event_id": [canary], "actor": {}}),
        json.dumps({"type": "CODEX_LOG", "event_type": {canary: 1}, "principal": {}}),
        json.dumps([canary]),
        f'{{"a":"{canary}",',
        f'{{"a":{canary}}}',
    ]
    for line in lines:
        assert set() == seen(told_of(line.encode(), NOTHING)), line
