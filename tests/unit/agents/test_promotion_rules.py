"""Stages, gates and the share of canaries: pure."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.agent_scoring import Scores
from apps.agents.domain.promotion.canary_share import CANARY_SHARE, limited_weights
from apps.agents.domain.promotion.practice import WAIVED, in_practice
from apps.agents.domain.promotion.stage_gates import (
    PaperRecord,
    reason_to_fall,
    record_gates,
    research_gates,
    walk_forward_gates,
)
from apps.agents.domain.promotion.stages import HEARD, MOVES, NEXT, Stage, unheard_because

GOOD = Scores(votes=150, opinions=120, hits=80, hit_rate=0.66, brier=0.22, pnl_bps=80.0)
BAD = replace(GOOD, brier=0.30, pnl_bps=-80.0)
RECORD = PaperRecord(days=15.0, scores=GOOD, refused=0, versions=1, benched_reason="")
AGENTS = ("a", "b", "c", "d", "e")
WEIGHTS = st.dictionaries(st.sampled_from(AGENTS), st.floats(0.25, 4.0), min_size=1)


def failed(gates) -> list[str]:
    """Not passed, for whatever reason."""
    return [gate.name for gate in gates if not gate.passed]


def pending(gates) -> list[str]:
    return [gate.name for gate in gates if gate.pending]


@given(weights=WEIGHTS, canaries=st.sets(st.sampled_from(AGENTS)))
def test_canaries_together_have_a_tenth_at_most_and_nobody_else_changes(weights, canaries):
    limited = limited_weights(weights, canaries)
    own = math.fsum(weight for agent, weight in limited.items() if agent in canaries)
    assert own <= CANARY_SHARE * math.fsum(limited.values()) * (1 + 1e-9)
    for agent, weight in weights.items():
        assert 0.0 <= limited[agent] <= weight
        if agent not in canaries:
            assert limited[agent] == weight
    assert limited_weights(dict(reversed(weights.items())), canaries) == limited


def test_a_canary_keeps_a_weight_that_is_small_anyway_and_has_none_alone():
    assert limited_weights({"a": 4.0, "b": 0.25}, {"b"}) == {"a": 4.0, "b": 0.25}
    assert limited_weights({"b": 2.0}, {"b"}) == {"b": 0.0}
    assert limited_weights({"a": 0.9, "b": 2.0}, {"b"})["b"] == pytest.approx(0.1)


def test_every_stage_leads_up_by_one_and_out_and_never_past_one():
    order = list(NEXT)
    assert order == [Stage.RESEARCH, Stage.WALK_FORWARD, Stage.PAPER, Stage.CANARY]
    for stage in Stage:
        onward = {after for before, after in MOVES if before == stage}
        assert (Stage.ENDED in onward) == (stage != Stage.ENDED)
        assert {after for after in onward if after in HEARD} == ({NEXT[stage]} & HEARD if stage in NEXT else set())
        assert bool(unheard_because(stage, "why")) == (stage not in HEARD)


def test_a_record_that_shows_enough_passes_every_gate():
    assert failed(record_gates(RECORD, days=14)) == []


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"days": 13.9}, "long_enough"),
        ({"scores": replace(GOOD, opinions=99)}, "enough_opinions"),
        ({"scores": replace(GOOD, brier=0.25)}, "better_than_a_coin"),
        ({"scores": replace(GOOD, brier=None)}, "better_than_a_coin"),
        ({"scores": replace(GOOD, pnl_bps=0.0)}, "profit_after_fees"),
        ({"refused": 3}, "messages_are_sound"),
        ({"versions": 2}, "one_version"),
        ({"benched_reason": "It was wrong."}, "not_benched"),
    ],
)
def test_each_gate_fails_for_its_own_reason(changes, gate):
    assert failed(record_gates(replace(RECORD, **changes), days=14)) == [gate]


@pytest.mark.parametrize(
    ("changes", "gates"),
    [
        ({}, []),
        ({"days": 13.9}, ["long_enough"]),
        ({"scores": replace(GOOD, opinions=99)}, ["enough_opinions"]),
        (
            {"scores": Scores(votes=9, opinions=0, hits=0, hit_rate=None, brier=None, pnl_bps=0.0)},
            ["enough_opinions", "better_than_a_coin", "profit_after_fees"],
        ),
    ],
)
def test_what_only_needs_time_or_votes_is_pending(changes, gates):
    told = record_gates(replace(RECORD, **changes), days=14)
    assert pending(told) == failed(told) == gates


def test_what_was_seen_to_be_bad_is_failed_however_short_the_record():
    short = PaperRecord(days=0.1, scores=replace(BAD, opinions=3), refused=9, versions=2, benched_reason="It was.")
    told = record_gates(short, days=14)
    assert pending(told) == ["long_enough", "enough_opinions"]
    assert len(failed(told)) == len(told)


def test_research_that_is_missing_or_too_short_to_tell_is_pending():
    run = {"id": "0" * 36, "ended_at": "x", "trades": 30, "total_return": -0.1, "max_drawdown": 0.2}
    search = {"id": "0" * 36, "ended_at": "x", "out_of_sample_return": -0.1, "overfit_probability": None}
    assert pending(research_gates("x", None)) == ["backtest_is_stored"]
    assert pending(research_gates("x", run | {"luck_probability": None})) == ["luck_is_unlikely"]
    assert pending(research_gates("x", run | {"luck_probability": 0.9})) == []
    assert pending(walk_forward_gates("x", None)) == ["walk_forward_is_stored"]
    assert pending(walk_forward_gates("x", search)) == ["overfitting_is_unlikely"]


def test_practice_waives_what_judges_a_candidate_and_nothing_else():
    """Every gate of every stage, failed: what is left standing is that it was tested and watched."""
    run = {"id": "0" * 36, "ended_at": "x", "trades": 0, "total_return": -0.5, "max_drawdown": 0.5}
    search = {"id": "0" * 36, "ended_at": "x", "out_of_sample_return": -0.1, "overfit_probability": 0.9}
    worst = PaperRecord(days=0.5, scores=replace(BAD, opinions=9), refused=9, versions=2, benched_reason="It was.")
    judged = [
        *research_gates("x", None),
        *research_gates("x", run | {"luck_probability": 0.9}),
        *walk_forward_gates("x", None),
        *walk_forward_gates("x", search),
        *record_gates(worst, days=1),
    ]
    seen = in_practice(judged)
    assert {gate.name for gate in seen if gate.waived} == WAIVED
    assert [replace(gate, waived=False) for gate in seen] == judged  # told as they are
    standing = {gate.name for gate in seen if not gate.opens}
    assert standing == {
        *("backtest_is_stored", "walk_forward_is_stored"),
        *("long_enough", "enough_opinions", "one_version"),
    }
    assert not any(gate.waived for gate in in_practice(record_gates(RECORD, days=14)))


def test_research_needs_a_run_that_earned_enough_and_not_by_luck():
    run = {
        "id": "01a22652-7c1e-7a54-9d0b-3f6f0badcafe",
        "ended_at": "2026-01-01T00:00:00Z",
        "trades": 30,
        "total_return": 0.1,
        "max_drawdown": 0.2,
        "luck_probability": 0.1,
    }
    assert failed(research_gates("x", run)) == []
    assert research_gates("x", run)[0].seen == "backtest …0badcafe of 2026-01-01 00:00 UTC"
    assert failed(research_gates("x", None)) == ["backtest_is_stored"]
    worse = run | {"trades": 29, "total_return": 0.0, "max_drawdown": 0.21, "luck_probability": None}
    assert len(failed(research_gates("x", worse))) == 4


def test_walk_forward_needs_a_profit_out_of_sample_that_is_not_fitted():
    search = {"id": "0" * 36, "ended_at": "x", "out_of_sample_return": 0.01, "overfit_probability": 0.5}
    assert failed(walk_forward_gates("x", search)) == []
    assert failed(walk_forward_gates("x", None)) == ["walk_forward_is_stored"]
    unknown = search | {"out_of_sample_return": None, "overfit_probability": None}
    assert failed(walk_forward_gates("x", unknown)) == ["profit_out_of_sample", "overfitting_is_unlikely"]


def test_a_bad_record_takes_a_candidate_back_and_a_short_one_does_not():
    assert reason_to_fall(RECORD) == ""
    assert reason_to_fall(replace(RECORD, scores=replace(BAD, opinions=49))) == ""
    assert reason_to_fall(replace(RECORD, scores=replace(BAD, pnl_bps=1.0))) == ""
    assert "Brier score is 0.300 over 120 votes" in reason_to_fall(replace(RECORD, scores=BAD))
    assert reason_to_fall(replace(RECORD, benched_reason="It was.")) == "The scoreboard benched it: It was."
