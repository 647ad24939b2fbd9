from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.foundation.audit import canonical
from apps.foundation.audit_chain import ChainRow, entry_hash, first_hash

AT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
ROW = ChainRow(7, "operations", 3, "halt", "anna", "firm", '{"a":1}', AT, AT, 0, b"p" * 32, b"")
texts = st.text(st.characters(codec="utf-8"), max_size=20)


def test_the_hash_is_sha256_over_netstrings_in_the_documented_order():
    at = "2026-11-22T12:00:00.123456Z"
    parts = [("p" * 32).encode().hex(), "3", "operations", "halt", "anna", "firm", '{"a":1}', at, at, "0"]
    text = "".join(f"{len(part)}:{part}," for part in parts)
    assert entry_hash(ROW, b"p" * 32) == sha256(text.encode()).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 4}, {"chain": "account:1"}, {"action": "resume"}, {"actor": "bob"}, {"subject": "x"}, {"payload": "{}"},
        {"wall": AT + timedelta(microseconds=1)}, {"firm": AT + timedelta(microseconds=1)}, {"epoch": 1},
    ],
)  # fmt: skip
def test_every_field_counts(change):
    assert entry_hash(ROW._replace(**change), b"p" * 32) != entry_hash(ROW, b"p" * 32)


def test_the_hash_before_counts():
    assert entry_hash(ROW, b"q" * 32) != entry_hash(ROW, b"p" * 32)


@given(texts, texts, texts, texts)
def test_no_text_can_move_from_one_field_to_the_next(action, actor, other_action, other_actor):
    one = entry_hash(ROW._replace(action=action, actor=actor), b"")
    other = entry_hash(ROW._replace(action=other_action, actor=other_actor), b"")
    assert (one == other) == ((action, actor) == (other_action, other_actor))


def test_the_same_instant_in_another_zone_has_the_same_hash():
    tokyo = AT.astimezone(timezone(timedelta(hours=9)))
    assert entry_hash(ROW._replace(wall=tokyo), b"") == entry_hash(ROW, b"")


def test_chains_start_apart():
    assert first_hash("account:1") != first_hash("account:2")


@given(st.dictionaries(texts, st.integers(-(2**53), 2**53) | texts | st.none() | st.booleans(), max_size=5))
def test_canonical_text_does_not_depend_on_the_order_of_keys(payload):
    backwards = dict(reversed(payload.items()))
    assert canonical(payload) == canonical(backwards)


def test_canonical_refuses_what_json_can_not_say():
    with pytest.raises(TypeError):
        canonical({"at": object()})
