"""The rules by which a proven envelope is taken: once, in order, in time, by right, with an epoch that never falls."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.management.domain.bridge_admission import SKEW, Standing, Verdict, judge, judge_claim
from apps.management.domain.bridge_envelope import KINDS, Kind
from tests.unit.management.test_bridge_envelope import AT, envelope

SECOND = timedelta(seconds=1)
ALL_RIGHTS = frozenset({"may_halt", "may_propose"})


def standing(**facts) -> Standing:
    return Standing(**{"series": 0, "sequence": 0, "epoch": 0, "rights": ALL_RIGHTS} | facts)


def code(told, known=None, wall=AT):
    answer = judge(told, known or standing(), wall)
    assert (answer.code == "") == (answer.verdict in {Verdict.TAKE, Verdict.KNOWN})
    assert bool(answer.reason) == bool(answer.code)
    return answer.code or answer.verdict.value


PLACES = st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(1, 3))


@given(st.lists(PLACES, max_size=40))
def test_whatever_order_copies_come_in_each_number_is_taken_once_and_in_order(places):
    taken, attempts = [], {}
    for series, sequence, attempt in places:
        last = taken[-1] if taken else (0, 0)
        known = standing(series=last[0], sequence=last[1], attempt=attempts.get((series, sequence)))
        answer = judge(envelope(series=series, sequence=sequence, attempt=attempt), known, AT)
        if answer.verdict is Verdict.TAKE:
            taken.append((series, sequence))
            attempts[series, sequence] = attempt
        elif answer.verdict is Verdict.KNOWN:
            assert attempt > attempts[series, sequence]
            attempts[series, sequence] = attempt
    assert len(set(taken)) == len(taken)
    assert taken == sorted(taken)
    for before, after in zip([(0, 0), *taken], taken, strict=False):
        assert after[1] == (before[1] + 1 if after[0] == before[0] else 1)


@pytest.mark.parametrize(
    ("place", "attempt", "known", "expected"),
    [
        ((0, 1), 1, {}, "take"),
        ((0, 2), 1, {}, "out_of_order"),
        ((0, 2), 1, {"sequence": 2, "attempt": 1}, "replayed"),
        ((0, 2), 2, {"sequence": 2, "attempt": 1}, "known"),
        ((0, 1), 1, {"sequence": 2, "attempt": None}, "replayed"),
        ((7, 1), 1, {"sequence": 9}, "take"),
        ((7, 2), 1, {"sequence": 9}, "out_of_order"),
        ((6, 10), 1, {"series": 7, "sequence": 9}, "replayed"),
    ],
)
def test_the_place_in_the_sequence(place, attempt, known, expected):
    assert code(envelope(series=place[0], sequence=place[1], attempt=attempt), standing(**known)) == expected


def test_of_heartbeats_the_newest_counts_and_no_older_one():
    beat = {"kind": Kind.HEARTBEAT}
    assert code(envelope(**beat, sequence=9), standing(sequence=4)) == "take"
    assert code(envelope(**beat, sequence=4), standing(sequence=4)) == "replayed"
    assert code(envelope(**beat, sequence=3), standing(sequence=4)) == "replayed"
    assert code(envelope(**beat, sequence=9), standing(sequence=4), AT + timedelta(hours=1)) == "stale"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((timedelta(0), SECOND), "take"),
        ((-SECOND, timedelta(0)), "expired"),
        ((SKEW, SKEW + SECOND), "take"),
        ((SKEW + SECOND, SKEW + 2 * SECOND), "from_the_future"),
        ((timedelta(0), KINDS[Kind.ROLE].life), "take"),
        ((timedelta(0), KINDS[Kind.ROLE].life + SECOND), "life_too_long"),
        ((SECOND, SECOND), "life_too_long"),
        ((2 * SECOND, SECOND), "life_too_long"),
    ],
)
def test_the_time_of_a_signature(times, expected):
    issued, expires = times
    assert code(envelope(issued_at=AT + issued, expires_at=AT + expires)) == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_needs_its_right(kind):
    needed = {Kind.HALT: {"may_halt"}, Kind.PROPOSAL: {"may_propose"}}.get(kind, set())
    assert code(envelope(kind=kind), standing(rights=frozenset(needed))) == "take"
    if needed:
        answer = judge(envelope(kind=kind), standing(rights=ALL_RIGHTS - needed), AT)
        assert (answer.verdict, answer.code) == (Verdict.REFUSE_FOR_GOOD, "kind_not_allowed")


@given(st.integers(0, 50), st.integers(0, 50))
def test_an_epoch_never_falls(before, stated):
    expected = "epoch_fell" if stated < before else "take"
    assert code(envelope(epoch=stated), standing(epoch=before)) == expected


@given(st.integers(0, 50), st.integers(0, 50))
def test_an_instance_of_our_own_database_states_no_epoch_that_this_does_not_know(known, stated):
    expected = "epoch_disproved" if stated > known else "take"
    assert code(envelope(epoch=stated), standing(own_epoch=known)) == expected


@pytest.mark.parametrize(
    ("role", "leads", "epoch", "known", "expected"),
    [
        ("primary", True, 3, {}, ""),
        ("backup", True, 3, {}, ""),
        ("research", False, 0, {}, ""),
        ("primary", False, 0, {}, ""),
        ("primary", True, 0, {}, "epoch_disproved"),
        ("research", True, 3, {}, "research_leads"),
        ("king", False, 3, {}, "role_unknown"),
        ("primary", True, 3, {"own_epoch": 3, "held": True}, ""),
        ("primary", True, 3, {"own_epoch": 3, "held": False}, "epoch_disproved"),
        ("primary", True, 2, {"own_epoch": 3, "held": False}, ""),  # it led when it said so
        ("backup", False, 3, {"own_epoch": 3, "held": False}, ""),
    ],
)
def test_what_a_peer_may_say_of_its_role(role, leads, epoch, known, expected):
    assert judge_claim(envelope(epoch=epoch), role, leads, standing(**known)).code == expected


def test_a_replay_is_called_that_also_when_it_is_old():
    late = AT + timedelta(days=30)
    assert code(envelope(sequence=1), standing(sequence=1, attempt=1, epoch=9), late) == "replayed"
