"""The venue's ladder: down at once, up one by one, never on bad news; what each rung lets through."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.domain.risk.venue_ladder import (
    COOL_DOWN,
    FALLS_AT,
    LADDER,
    MOST_STRAIN,
    Rung,
    Standing,
    after_answer,
    rung_permits,
    rung_state,
)

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FRESH = Standing(Rung.NORMAL, START)
SECOND = timedelta(seconds=1)


def answers(standing, *kinds, every=SECOND, at=START):
    for kind in kinds:
        at += every
        standing = after_answer(standing, ok=kind in {"ok", "refused"}, kind=kind, latency_ms=50, at=at)
    return standing


@pytest.mark.parametrize(
    ("failures", "rung"), [(2, Rung.NORMAL), (3, Rung.NO_ENTRIES), (6, Rung.EXITS_ONLY), (10, Rung.FROZEN)]
)
def test_failures_in_a_row_lead_down(failures, rung):
    assert answers(FRESH, *["timeout"] * failures).rung == rung


def test_a_refusal_is_a_good_answer():
    assert answers(FRESH, *["refused"] * 100) == answers(FRESH, *["ok"] * 100)


@pytest.mark.parametrize("kind", ["banned", "forbidden"])
def test_a_ban_or_a_revoked_key_freezes_at_once(kind):
    assert answers(FRESH, kind).rung == Rung.FROZEN


def test_half_of_the_answers_failing_is_enough_to_stop_entries_and_a_tenth_is_not():
    assert answers(FRESH, *["timeout", "ok"] * 20).rung == Rung.NO_ENTRIES
    assert answers(FRESH, *(["timeout"] + ["ok"] * 9) * 20).rung == Rung.NORMAL


def test_slow_answers_weigh_half():
    slow = FRESH
    for _ in range(6):
        slow = after_answer(slow, ok=True, kind="ok", latency_ms=6_000, at=START)
    assert slow.rung == Rung.NO_ENTRIES


def test_the_way_up_takes_good_answers_and_a_cool_down_for_every_rung():
    frozen = answers(FRESH, *["unavailable"] * 12)
    assert frozen.rung == Rung.FROZEN
    soon = answers(frozen, *["ok"] * 30, every=timedelta(milliseconds=100), at=frozen.since)
    assert soon.rung == Rung.FROZEN, "good answers alone, without the time, prove no recovery"
    rungs, at, standing = [], frozen.since, frozen
    for _ in range(4 * COOL_DOWN // SECOND):
        at += SECOND
        standing = answers(standing, "ok", every=timedelta(0), at=at)
        rungs.append(standing.rung)
    assert list(dict.fromkeys(rungs)) == [Rung.FROZEN, Rung.EXITS_ONLY, Rung.NO_ENTRIES, Rung.NORMAL]
    assert [rungs.count(rung) * SECOND >= COOL_DOWN - SECOND for rung in (Rung.EXITS_ONLY, Rung.NO_ENTRIES)]


def test_time_alone_lifts_nothing():
    down = answers(FRESH, *["timeout"] * 3)
    later = answers(down, "ok", at=START + timedelta(days=1))
    assert later.rung == Rung.NO_ENTRIES


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ok", "refused", "timeout", "rate_limited", "slow", "new kind"]), st.integers(0, 90)
        ),
        max_size=120,
    )
)
def test_every_path_keeps_the_ladder_honest(path):
    standing, at = FRESH, START
    for kind, seconds in path:
        at += timedelta(seconds=seconds)
        good = kind in {"ok", "refused"}
        after = after_answer(standing, ok=good, kind=kind, latency_ms=10, at=at)
        step = LADDER.index(after.rung) - LADDER.index(standing.rung)
        assert step in ({-1, 0} if good else {0, 1, 2, 3})
        assert 0 <= after.strain <= MOST_STRAIN
        assert (after.failures_in_row == 0) is good
        if step < 0:
            assert at - standing.since >= COOL_DOWN
            assert after.strain < FALLS_AT[standing.rung] / 2
        if after.rung != Rung.FROZEN and not good:
            assert after.strain < FALLS_AT[LADDER[LADDER.index(after.rung) + 1]]
        assert (after.since == at) is (step != 0) or seconds == 0
        standing = after


ORDERS = [
    {"reducing": reducing, "reduce_only": only, "origin": origin, "privileged": privileged}
    for reducing in (True, False)
    for only in ((True, False) if reducing else (False,))
    for origin in ("manual", "consensus", "guard", "flatten")
    for privileged in (True, False)
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_lower_rung_never_lets_more_through(order):
    allowed = [rung_permits(rung, **order) for rung in LADDER]
    assert allowed == sorted(allowed, reverse=True)
    assert allowed[0]
    assert allowed[1] is order["reducing"]
    assert allowed[2] is order["reduce_only"]
    assert allowed[3] is (order["reduce_only"] and (order["origin"] in {"guard", "flatten"} or order["privileged"]))


def test_each_rung_has_its_state():
    assert [rung_state(rung) for rung in LADDER] == ["ACTIVE", "REDUCING", "REDUCING", "HALTED"]
