"""What backtests of the whole firm compute for all bars at once is what is computed bar by bar, to the last bit."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.backtest.compiled_rules import compiled_rules
from apps.agents.domain.backtest.consensus_kernel import NO_QUORUM, NOBODY_ASKED, REACHED, VETO, exact_sum, pool_rounds
from apps.agents.domain.backtest.strategy_views import view_at, vote_on
from apps.agents.domain.consensus import METHODS, ConsensusRules, Opinion, pool_votes
from apps.agents.domain.indicators import z_score
from apps.agents.domain.strategies.contract import VotesOverBars
from apps.agents.domain.strategies.registry import build_strategy
from tests.support.candle_columns import random_columns

NOW = datetime(2026, 11, 28, tzinfo=UTC)
CODES = {NO_QUORUM: "no_quorum", VETO: "veto", REACHED: "consensus"}
VOTING = [
    ("momentum", {}),
    ("momentum", {"fast": 2, "slow": 7, "horizon": 3}),
    ("mean_reversion", {"entry": 0.7}),
    ("mean_reversion", {"window": 60, "rsi": 3, "entry": 1.5}),
    ("breakout", {}),
    ("breakout", {"entry": 9, "exit": 31, "horizon": 2}),
    ("sma_cross", {"fast": 3, "slow": 11}),
    ("arbitrage", {}),
]


@pytest.mark.parametrize(("name", "parameters"), VOTING)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), deviation=st.sampled_from([0.0, 0.0002, 0.003, 0.05]))
def test_a_strategy_votes_the_same_over_all_bars_as_bar_by_bar(name, parameters, seed, deviation):
    strategy = build_strategy(name, parameters)
    assert isinstance(strategy, VotesOverBars)
    columns = random_columns(260, seed=seed, deviation=deviation, start=10.0 ** (seed % 6))
    stuck = columns.close.copy()
    stuck[120:170] = stuck[120]  # nothing moves for a while
    columns = replace(columns, close=stuck)
    found = strategy.votes_over_bars(view_at(columns, 259, 260, fee_bps=10.0), sources=1)
    for place in range(260):
        vote = vote_on(strategy, view_at(columns, place, strategy.needs_bars, fee_bps=10.0))
        assert (found.direction[place], found.confidence[place], found.abstain[place]) == (
            vote.direction, vote.confidence, vote.abstain,
        ), (place, vote)  # fmt: skip
        assert place + 1 < strategy.needs_bars or found.horizon_bars == vote.horizon_bars


def test_arbitrage_between_two_sources_is_asked_bar_by_bar():
    columns = random_columns(5, seed=1)
    view = view_at(columns, 4, 5, fee_bps=10.0)
    assert build_strategy("arbitrage", {}).votes_over_bars(view, sources=2) is None


opinions = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 1.0, 1.0, 3.7, 0.1]),  # weight
        st.one_of(st.sampled_from([-1.0, 0.0, 1.0]), st.floats(-1.0, 1.0)),  # direction
        st.one_of(st.sampled_from([0.0, 0.4, 0.9, 1.0]), st.floats(0.0, 1.0)),  # confidence
        st.booleans(),  # abstains
        st.integers(1, 500),  # horizon
        st.booleans(),  # may veto
        st.sampled_from("abc"),  # name
        st.integers(0, 3),  # ready from
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=300, deadline=None)
@given(
    given_votes=opinions,
    method=st.sampled_from(METHODS),
    quorum=st.floats(0.01, 1.0),
    veto=st.sampled_from([0.5, 0.9]),
    bar=st.integers(0, 3),
)
def test_all_rounds_pooled_at_once_are_the_rounds_pooled_one_by_one(given_votes, method, quorum, veto, bar):
    rules = ConsensusRules(method, quorum, veto)
    ready = [place for place, vote in enumerate(given_votes) if bar >= vote[7]]
    votes = [
        Opinion(
            f"{place:04}", name, weight, direction, confidence, abstain, horizon, NOW + timedelta(minutes=1), may_veto
        )
        for place, (weight, direction, confidence, abstain, horizon, may_veto, name, _) in enumerate(given_votes)
        if place in ready
    ]
    weight, direction, confidence, abstain, horizon, may_veto, name, ready_from = zip(*given_votes, strict=True)
    repeated = [np.repeat(np.array(values)[:, None], 4, axis=1) for values in (direction, confidence, abstain)]
    code, score, horizons, leader = pool_rounds(
        METHODS.index(method),
        rules.needed(len(given_votes)),
        veto,
        *repeated,
        np.array(ready_from),
        np.array(horizon),
        np.array(weight),
        np.array(may_veto),
        np.array([ord(each) for each in name]),
    )
    if not ready:
        assert code[bar] == NOBODY_ASKED
        return
    wanted = pool_votes(votes=votes, asked=len(given_votes), rules=rules, now=NOW)
    assert CODES[code[bar]] == wanted.code
    assert score[bar] == wanted.score
    if wanted.reached:
        assert horizons[bar] == wanted.horizon_bars
        assert (f"{leader[bar]:04}" if leader[bar] >= 0 else None) == (wanted.leader and wanted.leader.agent_id)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-1e18, 1e18), st.sampled_from([1.0, 2.0**-53, -(2.0**-53), 2.0**-106])), max_size=9)
)
def test_the_compiled_exact_sum_is_that_of_python(values):
    assert exact_sum(np.array(values, np.float64), np.empty(10)) == math.fsum(values)


def test_a_changed_rule_has_to_be_named_beside_the_kernels():
    with pytest.raises(ImportError, match=r"One of the rules z_score has changed: write their digest [0-9a-f]{16}"):
        compiled_rules("0" * 16, z_score)
