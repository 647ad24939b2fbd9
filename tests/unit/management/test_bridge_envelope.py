"""The envelope's exact text: what was written is read again, and nothing else is."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.management.domain.bridge_envelope import (
    KINDS,
    LONGEST_TEXT,
    Envelope,
    EnvelopeError,
    Kind,
    read_body,
    read_envelope,
    read_proposal,
    read_refusals,
    read_sealed_body,
)

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(1, 2**62)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
ENVELOPES = st.builds(
    Envelope,
    sender=NAMES,
    recipient=NAMES,
    kind=st.sampled_from([Kind.HEARTBEAT, Kind.ROLE, Kind.HALT]),
    series=NUMBERS,
    sequence=NUMBERS,
    attempt=NUMBERS,
    epoch=NUMBERS,
    issued_at=st.datetimes(timezones=st.just(UTC)),
    expires_at=st.datetimes(timezones=st.just(UTC)),
    body=st.dictionaries(TEXTS, TEXTS | st.booleans() | st.integers(-(2**60), 2**60), max_size=4),
)


def envelope(**facts) -> Envelope:
    plain = {
        "sender": "hq-lab",
        "recipient": "hq-1",
        "kind": Kind.ROLE,
        "series": 0,
        "sequence": 1,
        "attempt": 1,
        "epoch": 0,
        "issued_at": AT,
        "expires_at": AT + timedelta(minutes=1),
        "body": {"role": "research", "leads": False},
    }
    return Envelope(**plain | facts)


@given(ENVELOPES)
def test_what_was_written_is_read_again(written):
    text = written.text()
    assert text.isascii()
    assert read_envelope(text) == written
    assert read_envelope(text).text() == text


@given(ENVELOPES, st.data())
def test_a_changed_byte_is_refused_or_says_something_else(written, data):
    """Nothing that differs reads as the same envelope, so that a good signature can't cover two meanings."""
    text = written.text()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from('0aZ"{}:,. \\').filter(lambda one: one != text[at]))
    changed = f"{text[:at]}{other}{text[at + 1 :]}"
    try:
        read = read_envelope(changed)
    except EnvelopeError:
        return
    assert read != written or json.loads(changed) == json.loads(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda facts: facts | {"version": 2}, "version"),
        (lambda facts: facts | {"more": 1}, "names differ"),
        (lambda facts: facts | {"issued_at": facts["issued_at"].replace("+00:00", "+00,00")}, "must be written as"),
        (lambda facts: {name: facts[name] for name in facts if name != "epoch"}, "epoch"),
        (lambda facts: facts | {"kind": "order"}, "unknown kind"),
        (lambda facts: facts | {"sender": "HQ 1"}, "sender"),
        (lambda facts: facts | {"sender": 7}, "sender"),
        (lambda facts: facts | {"sequence": 0}, "sequence"),
        (lambda facts: facts | {"sequence": True}, "sequence"),
        (lambda facts: facts | {"sequence": 1.0}, "sequence"),
        (lambda facts: facts | {"epoch": -1}, "epoch"),
        (lambda facts: facts | {"epoch": 2**63}, "epoch"),
        (lambda facts: facts | {"issued_at": "2026-11-28T12:00:00"}, "zone"),
        (lambda facts: facts | {"issued_at": 5}, "issued_at"),
        (lambda facts: facts | {"body": "-----BEGIN PGP MESSAGE-----"}, "object"),
        (lambda facts: facts | {"kind": "proposal"}, "sealed"),
        (lambda facts: facts | {"body": {"role": "a\0b"}}, "carry"),
        (lambda facts: facts | {"body": {"role": "\ud800"}}, "JSON"),
    ],
)
def test_text_that_is_no_envelope_is_refused_with_its_reason(change, says):
    text = json.dumps(change(json.loads(envelope().text())))
    with pytest.raises(EnvelopeError, match=says):
        read_envelope(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 20_000,
        '{"a":1,"a":2}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":"é"}',
        "1" * 5_000,
        " " * (LONGEST_TEXT + 1),
        envelope().text().replace('"epoch":0', '"epoch":0,"epoch":9'),
    ],
)
def test_nonsense_is_refused_and_raises_nothing_else(text):
    with pytest.raises(EnvelopeError):
        read_envelope(text)


@given(st.text(max_size=200))
def test_any_text_is_an_envelope_or_refused(text):
    with suppress(EnvelopeError):
        read_envelope(text)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_body_has_all_its_facts_in_their_types_and_no_others(kind):
    values = {str: "x", bool: True, int: 1, list: [], dict: {}}
    whole = {name: values[expected] for name, expected in KINDS[kind].fields.items()}
    assert read_body(kind, whole) == whole
    assert read_sealed_body(kind, json.dumps(whole)) == whole
    for name in whole:
        for broken in ({n: v for n, v in whole.items() if n != name}, whole | {name: None}, whole | {"more": 1}):
            with pytest.raises(EnvelopeError):
                read_body(kind, broken)


def test_a_number_is_no_yes_or_no():
    with pytest.raises(EnvelopeError, match="leads"):
        read_body(Kind.ROLE, {"role": "primary", "leads": 1})


def test_refusals_that_are_not_said_plainly_are_left_out():
    good = {"series": 0, "sequence": 3, "code": "kind_not_allowed"}
    told = [good, None, {"series": 0}, good | {"sequence": True}, good | {"code": 5}, good | {"series": 2**70}]
    (read,) = read_refusals(told)
    assert (read.series, read.sequence, read.code) == (0, 3, "kind_not_allowed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", ""),
        ("strategy", "x" * 61),
        ("reason", "x" * 501),
        ("instruments", [1]),
        ("instruments", ["A/B"] * 201),
        ("proposal_id", "seven"),
    ],
)
def test_a_proposal_that_could_not_be_kept_is_refused(field, value):
    proposal = {
        "proposal_id": "0192f0c1-0000-7000-8000-000000000000",
        "strategy": "momentum",
        "timeframe": "1m",
        "instruments": ["BTC/USDT"],
        "parameters": {},
        "author": "ada",
        "reason": "it holds out of sample",
    }
    assert str(read_proposal(proposal)) == proposal["proposal_id"]
    with pytest.raises(EnvelopeError, match=field):
        read_proposal(proposal | {field: value})
