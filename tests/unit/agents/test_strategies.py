"""Strategies on markets of known shape, and the proof that none of them sees the future."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.indicators import highest_before, log_returns, lowest_before
from apps.agents.domain.strategies.contract import MarketView, VenueQuote
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import (
    UnknownStrategyError,
    build_strategy,
    strategy_class,
    strategy_names,
)

BAR = timedelta(minutes=5)
START = datetime(2026, 1, 5, tzinfo=UTC)
NAMES = strategy_names()


def view(close, *, high=None, low=None, venues=(), fee_bps=10.0) -> MarketView:
    """A market whose bars close at ``close``; highs and lows lie 0.1 % away unless given."""
    prices = np.asarray(close, dtype=float)
    opens = np.concatenate([prices[:1], prices[:-1]])
    first = int(START.timestamp() * 1000)
    return MarketView(
        symbol="BTC/USDT",
        timeframe="5m",
        closed_at=START + len(prices) * BAR,
        times=np.array([first + i * 300_000 for i in range(len(prices))]),
        open=opens,
        high=np.asarray(high, dtype=float) if high is not None else np.maximum(opens, prices) * 1.001,
        low=np.asarray(low, dtype=float) if low is not None else np.minimum(opens, prices) * 0.999,
        close=prices,
        volume=np.full(len(prices), 10.0),
        venues=tuple(venues),
        fee_bps=fee_bps,
    )


def cut(full: MarketView, bars: int) -> MarketView:
    return replace(
        full,
        closed_at=START + bars * BAR,
        **{name: getattr(full, name)[:bars] for name in ("times", "open", "high", "low", "close", "volume")},
    )


def wave(bars: int, seed: int) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.002, bars)))


def test_the_class_in_the_guide_votes_as_it_says():
    guide = (Path(__file__).resolve().parents[3] / "docs/guides/add-a-strategy.md").read_text()
    written: dict[str, object] = {}
    exec(guide.split("```python\n")[1].split("```")[0], written)
    strategy = written["ThreeDown"]({"horizon": 6.0})
    fell, rose = strategy.vote(view([104, 103, 102, 101])), strategy.vote(view([104, 103, 102, 103]))
    assert (fell.direction, fell.confidence, fell.abstain, fell.horizon_bars) == (1.0, 0.6, False, 6)
    assert (rose.abstain, rose.horizon_bars) == (True, 6)


def test_the_four_strategies_are_registered():
    assert {"arbitrage", "breakout", "mean_reversion", "momentum"} <= set(NAMES)


def test_an_unknown_strategy_is_named_with_those_there_are():
    with pytest.raises(UnknownStrategyError, match=r"'astrology'; registered are .*momentum"):
        strategy_class("astrology")


def test_momentum_follows_a_rise_and_a_fall():
    strategy = build_strategy("momentum", {})
    noise = np.random.default_rng(1).normal(0, 0.0005, 120)
    rise = 100 * np.exp(np.cumsum(0.002 + noise))
    fall = 100 * np.exp(np.cumsum(-0.002 + noise))
    up, down = strategy.vote(view(rise)), strategy.vote(view(fall))
    assert up.direction > 0.9
    assert down.direction < -0.9
    assert "above the 26-bar one" in up.reason
    assert not up.abstain


def test_momentum_abstains_where_nothing_moves():
    vote = build_strategy("momentum", {}).vote(view(np.full(120, 100.0)))
    assert vote.abstain
    assert vote.reason == "The price has not moved, so there is no trend to follow."


def test_mean_reversion_buys_a_sudden_fall_and_sells_a_sudden_rise():
    strategy = build_strategy("mean_reversion", {})
    calm = 100 + 0.05 * np.sin(np.arange(99))
    low, high = strategy.vote(view([*calm, 99.0])), strategy.vote(view([*calm, 101.0]))
    assert low.direction > 0.5
    assert high.direction < -0.5
    assert low.direction == -high.direction


def test_mean_reversion_abstains_near_its_mean():
    vote = build_strategy("mean_reversion", {}).vote(view(100 + 0.05 * np.sin(np.arange(100))))
    assert vote.abstain
    assert "it votes from 2 on" in vote.reason


def test_breakout_is_long_after_a_new_high_until_the_exit_channel_breaks():
    strategy = build_strategy("breakout", {})
    quiet = [100.0] * 58
    broke = strategy.vote(view([*quiet, 100.0, 101.0]))
    assert broke.direction == 1.0
    assert "above its 20-bar channel in this bar" in broke.reason
    held = strategy.vote(view([*quiet, 101.0, 101.0, 101.0]))
    assert held.direction == 1.0
    assert held.confidence < broke.confidence
    left = strategy.vote(view([*quiet[:40], 101.0, *[101.0] * 14, 100.2]))
    assert left.direction == 0.0
    assert not left.abstain


def test_breakout_is_short_below_its_channel():
    vote = build_strategy("breakout", {}).vote(view([100.0] * 59 + [98.0]))
    assert vote.direction == -1.0


def quotes(*prices):
    return [VenueQuote(f"venue{i}", bid, ask, START) for i, (bid, ask) in enumerate(prices)]


def test_arbitrage_with_one_source_abstains_and_says_so():
    vote = build_strategy("arbitrage", {}).vote(view([100.0], venues=quotes((99.9, 100.1))))
    assert vote.abstain
    assert vote.reason == "Arbitrage compares two sources, and only venue0 quotes BTC/USDT."


@pytest.mark.parametrize(
    ("second", "direction"), [((101.0, 101.1), 1.0), ((98.9, 99.0), -1.0)], ids=["first is cheap", "first is dear"]
)
def test_arbitrage_votes_for_the_cheap_venue(second, direction):
    vote = build_strategy("arbitrage", {}).vote(view([100.0], venues=quotes((99.9, 100.1), second)))
    assert vote.direction == direction
    assert not vote.abstain


def test_arbitrage_abstains_where_fees_eat_the_gap():
    vote = build_strategy("arbitrage", {}).vote(view([100.0], venues=quotes((99.9, 100.1), (100.2, 100.3))))
    assert vote.abstain
    assert "does not pay 0.20 % of fees" in vote.reason


def test_arbitrage_ignores_a_crossed_quote():
    vote = build_strategy("arbitrage", {}).vote(view([100.0], venues=quotes((99.9, 100.1), (105.0, 104.0))))
    assert vote.abstain


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(100, 140))
def test_no_strategy_sees_the_future(name, seed, bars):
    """Whatever the later bars are, the vote at bar t is the one that the past alone gives."""
    strategy = build_strategy(name, {})
    past = wave(bars, seed)
    calm, crash = view([*past, *[past[-1]] * 30]), view([*past, *(past[-1] * np.linspace(1.0, 0.5, 30))])
    one, other, alone = strategy.vote(cut(calm, bars)), strategy.vote(cut(crash, bars)), strategy.vote(view(past))
    assert one == other == alone


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(60, 90))
def test_no_indicator_changes_the_past_when_the_future_comes(seed, bars):
    full = wave(120, seed)
    assert np.array_equal(highest_before(full, 20)[: bars - 20], highest_before(full[:bars], 20))
    assert np.array_equal(lowest_before(full, 20)[: bars - 20], lowest_before(full[:bars], 20))
    assert np.array_equal(log_returns(full)[: bars - 1], log_returns(full[:bars]))
    assert highest_before(full, 20)[0] == full[:20].max()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_vote_depends_on_the_last_needed_bars_only(name, seed):
    strategy = build_strategy(name, {})
    prices = wave(300, seed)
    whole, tail = view(prices), view(prices)
    start = 300 - strategy.needs_bars
    tail = replace(tail, **{n: getattr(tail, n)[start:] for n in ("times", "open", "high", "low", "close", "volume")})
    assert strategy.vote(whole) == strategy.vote(tail)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_every_vote_is_in_its_range_at_every_price(name, seed, scale):
    vote = build_strategy(name, {}).vote(view(wave(200, seed) * scale))
    assert -1.0 <= vote.direction <= 1.0
    assert 0.0 <= vote.confidence <= 1.0
    assert vote.horizon_bars >= 1
    assert vote.reason


@pytest.mark.parametrize(
    ("given_value", "message"),
    [
        ({"fast": 0}, "fast was 0; it must lie between 2 and 200."),
        ({"fast": float("nan")}, "fast was nan"),
        ({"fast": "12"}, "fast must be a number, was '12'."),
        ({"fast": True}, "fast must be a number, was True."),
        ({"fast": 12.5}, "fast was 12.5; it must be a whole number."),
        ({"speed": 1}, "The strategy has no parameter 'speed'; it has fast, slow, horizon."),
        ({"fast": 50}, "fast was 50; it must be below slow, which is 26."),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(given_value, message):
    with pytest.raises(ParameterError) as refused:
        build_strategy("momentum", given_value)
    assert refused.value.message.startswith(message)
    assert refused.value.field in {"fast", "speed"}
