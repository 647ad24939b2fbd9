"""Windows on their way to a device: what is read is what was written, and what is joined loses nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.neural.window_batch import WindowBatch, joined, read_batch, written

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
agents = st.fixed_dictionaries(
    {
        "agent_id": st.uuids().map(str),
        "parameters": st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)),
        "rounds": st.lists(st.fixed_dictionaries({"symbol": st.text(max_size=8)}), max_size=4),
    }
)
batches = st.builds(
    WindowBatch,
    model=st.sampled_from("ab"),
    asked=st.lists(agents, max_size=3),
    expires_at=st.integers(0, 100).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    features=st.binary(max_size=50),
)


@given(batches)
def test_what_is_read_is_what_was_written(batch):
    assert read_batch(written(batch)) == batch


@given(st.lists(batches, max_size=6))
def test_what_is_joined_keeps_the_order_of_each_model_and_waits_for_the_last(given_batches):
    by_model = {batch.model: batch for batch in joined(given_batches)}
    assert len(by_model) == len(joined(given_batches))
    for model, batch in by_model.items():
        parts = [part for part in given_batches if part.model == model]
        assert batch.asked == [agent for part in parts for agent in part.asked]
        assert batch.features == b"".join(part.features for part in parts)
        assert batch.windows == sum(part.windows for part in parts)
        assert batch.expires_at == max(part.expires_at for part in parts)
    assert {part.model for part in given_batches} == set(by_model)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x02[]",
        b"\xff\xff\xff\xff{}",
        b'{"body": "a task of Celery"}',
        b'\x00\x00\x00\x2d{"model": "a", "asked": [], "expires_at": 12 }',
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"no batch|JSON|empty|unexpected|isoformat"):
        read_batch(text)
