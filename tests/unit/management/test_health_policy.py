from datetime import UTC, datetime, timedelta

import pytest

from apps.management.domain.health_policy import Health, Unanswered, is_crash_loop, judge, next_try, remember_crash

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def seconds_ago(count: float) -> datetime:
    return NOW - timedelta(seconds=count)


def verdict(**changes):
    facts = {
        "running": True,
        "started_at": seconds_ago(600),
        "beat_at": seconds_ago(10),
        "beats_known": True,
        "wall": NOW,
    }
    return judge(**{**facts, **changes}).health


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Health.HEALTHY),
        ({"beat_at": seconds_ago(91)}, Health.SILENT),
        ({"beat_at": None}, Health.SILENT),
        ({"beat_at": None, "started_at": seconds_ago(59)}, Health.STARTING),
        ({"beat_at": seconds_ago(20), "started_at": seconds_ago(10)}, Health.STARTING),  # the beat of the one before
        ({"beat_at": None, "beats_known": False}, Health.UNKNOWN),
        ({"beat_at": seconds_ago(30), "beats_known": False}, Health.HEALTHY),
        ({"running": False}, Health.ENDED),
        ({"running": True, "started_at": None}, Health.ENDED),
    ],
)
def test_a_process_counts_as_healthy_only_while_its_heartbeat_moves(changes, expected):
    assert verdict(**changes) == expected


@pytest.mark.parametrize(
    ("first", "last", "progressed", "expected"),
    [
        (200, 140, None, Health.STALLED),
        (200, 141, None, Health.HEALTHY),  # not for long enough
        (200, 20, 100, Health.STALLED),
        (200, 20, 70, Health.HEALTHY),  # it works, and what becomes of its answers is not its fault
        (900, 590, None, Health.HEALTHY),  # most of it was owed by the process before this one
    ],
)
def test_one_that_beats_and_answers_nothing_for_a_minute_of_questions_is_stalled(first, last, progressed, expected):
    owed = Unanswered(seconds_ago(first), seconds_ago(last), seconds_ago(progressed) if progressed else None)
    assert verdict(unanswered=owed) == expected
    assert verdict(unanswered=owed, beats_known=False) == Health.HEALTHY


def test_why_it_ended_is_kept():
    told = judge(
        running=False,
        started_at=None,
        beat_at=None,
        beats_known=True,
        wall=NOW,
        ended_reason="It was killed by a signal.",
    )
    assert told.reason == "It was killed by a signal."


def test_the_first_crash_is_tried_again_at_once_and_later_ones_wait_longer():
    waits = []
    for count in range(1, 6):
        crashes = [seconds_ago(count - number) for number in range(count)]
        waits.append((next_try(crashes, NOW) - NOW).total_seconds())
    assert waits[0] <= 0
    assert waits == sorted(waits)
    assert next_try([seconds_ago(1)] * 20, NOW) - NOW <= timedelta(minutes=5)


def test_old_crashes_are_forgiven():
    assert next_try([seconds_ago(3600)] * 10, NOW) == NOW
    assert not is_crash_loop([seconds_ago(601)] * 10, NOW)


def test_five_crashes_in_ten_minutes_are_a_loop():
    assert not is_crash_loop([seconds_ago(60)] * 4, NOW)
    assert is_crash_loop([seconds_ago(599)] * 5, NOW)


def test_remembered_crashes_stay_few():
    crashes: list[datetime] = []
    for number in range(100):
        crashes = remember_crash(crashes, NOW + timedelta(seconds=number))
    assert len(crashes) == 20
    assert crashes[-1] == NOW + timedelta(seconds=99)
