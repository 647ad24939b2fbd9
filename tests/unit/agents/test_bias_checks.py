"""A strategy that cheats is found out, an honest one is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from apps.agents.domain.backtest.bias_checks import lookahead_findings, sampled_places, warmup_findings
from apps.agents.domain.indicators import exponential_level
from apps.agents.domain.strategies.contract import StrategyVote
from apps.agents.domain.strategies.momentum import Momentum
from apps.agents.domain.strategies.registry import build_strategy, strategy_names
from tests.support.candle_columns import random_columns

COLUMNS = random_columns(900, seed=21)
PLACES = sampled_places(COLUMNS, needs=250, points=25)


def vote(direction):
    return StrategyVote(float(direction), 0.5, abstain=False, horizon_bars=1, reason="A test says so.")


class Honest:
    name, needs_bars = "honest", 10

    def vote(self, view):
        return vote(np.sign(view.close[-1] - view.close[-10:].mean()))


class ReachesBehindItsArray(Honest):
    """A part of an array knows the whole one."""

    def vote(self, view):
        whole = view.close if view.close.base is None else view.close.base
        return vote(np.sign(whole[-1] - view.close[-1]))


class Remembers(Honest):
    def __init__(self):
        self.asked = 0

    def vote(self, view):
        self.asked += 1
        return vote((-1) ** self.asked)


class NormalisesOverAll(Honest):
    """Its answer for all bars at once is measured on the mean of all of them."""

    def stances(self, close):
        return np.sign(close - close.mean()).astype(np.int8)


class SaysTooLittle(Honest):
    """An exponential average goes back further than ten bars."""

    def vote(self, view):
        return vote(np.tanh(view.close[-1] - exponential_level(view.close.tolist(), 50)))


def look(kind, find=lookahead_findings):
    return [finding.sentence() for finding in find(kind, COLUMNS, PLACES, fee_bps=10.0)]


@pytest.mark.parametrize("name", strategy_names())
@pytest.mark.parametrize("find", [lookahead_findings, warmup_findings])
def test_every_registered_strategy_passes(name, find):
    assert look(lambda: build_strategy(name, {}), find) == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (ReachesBehindItsArray, "once the series ends there"),
        (ReachesBehindItsArray, "once its future is "),
        (Remembers, "of a strategy that was built anew"),
        (NormalisesOverAll, "all at once it answers"),
        (NormalisesOverAll, "in its answer for all bars at once"),
    ],
)
def test_what_depends_on_the_future_or_the_past_questions_is_found(kind, told):
    assert look(Honest) == []
    assert any(told in sentence for sentence in look(kind))


def test_votes_for_all_bars_at_once_that_are_not_the_votes_are_found():
    class Flatters(Momentum):
        name = "flatters"

        def votes_over_bars(self, view, *, sources):
            votes = super().votes_over_bars(view, sources=sources)
            return replace(votes, confidence=np.minimum(1.0, votes.confidence * 1.001))

    assert look(lambda: build_strategy("momentum", {})) == []
    found = look(lambda: Flatters({"fast": 12, "slow": 26, "horizon": 12}))
    assert found
    assert all("in its votes for all bars at once" in sentence for sentence in found)


def test_a_window_that_is_too_short_is_found():
    assert look(Honest, warmup_findings) == []
    found = look(SaysTooLittle, warmup_findings)
    assert "with 20 bars instead of 10" in found[0]
    assert look(SaysTooLittle) == []


def test_a_series_without_a_whole_window_is_refused():
    with pytest.raises(ValueError, match="more than 900 candles"):
        sampled_places(COLUMNS, needs=900, points=5)
