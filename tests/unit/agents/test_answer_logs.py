"""What an agent logs of a message: one line of its votes, one of its features, whatever stands first."""

import logging

import pytest

from workers.agent_process.run_agent import _log_answers


def asked(symbol):
    return {"symbol": symbol, "closed_at": "2026-01-05T10:00:00+00:00", "correlation_id": f"id of {symbol}"}


VOTE = (asked("A/USDT"), {"abstain": False, "direction": 0.5})
ABSTENTION = (asked("B/USDT"), {"abstain": True, "direction": 0.0})
FEATURES = (asked("C/USDT"), {"features": "AAAA"})


@pytest.mark.parametrize(
    "answered", [[FEATURES, ABSTENTION, VOTE], [ABSTENTION, FEATURES, VOTE], [VOTE, ABSTENTION, FEATURES]]
)
def test_features_and_votes_of_one_message_have_a_line_each(caplog, answered):
    with caplog.at_level(logging.INFO):
        _log_answers(answered)
    lines = {record.message: record for record in caplog.records}
    assert set(lines) == {"features_written", "voted"}
    assert (lines["features_written"].symbols, lines["features_written"].correlation_ids) == (
        ["C/USDT"],
        ["id of C/USDT"],
    )
    assert lines["voted"].directions == {"A/USDT": 0.5, "B/USDT": None}
    assert sorted(lines["voted"].correlation_ids) == ["id of A/USDT", "id of B/USDT"]


def test_nothing_answered_is_no_line(caplog):
    with caplog.at_level(logging.INFO):
        _log_answers([])
    assert caplog.records == []
