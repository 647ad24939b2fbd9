"""A kit for the tests of a strategy: generated markets, and all that the house asks of a strategy in one call. Pure."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from apps.agents.domain.backtest.bias_checks import lookahead_findings, sampled_places, warmup_findings
from apps.agents.domain.backtest.strategy_views import view_at
from apps.agents.domain.strategies.contract import MarketView, Series, Strategy, StrategyVote
from apps.agents.domain.strategies.parameter_values import ParameterError, parameter_values
from apps.agents.domain.vote_checks import LONGEST_HORIZON, LONGEST_REASON
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns

FEE_BPS: Final = 10.0
FIRST_MS: Final = 1_767_571_200_000  # 2026-01-05, a Monday
PLACES: Final = 40  # bars at which votes are looked at, in each market
SHAPES: Final[Mapping[str, Callable[[np.random.Generator, int], Series]]] = {
    "a walk": lambda random, bars: random.normal(0.0, 0.002, bars),
    "a rise": lambda random, bars: random.normal(0.001, 0.001, bars),
    "a fall": lambda random, bars: random.normal(-0.001, 0.001, bars),
    "a market that swings": lambda random, bars: 0.002 * np.cos(np.arange(bars) / 7.0) + random.normal(0, 1e-4, bars),
    "a market with jumps": lambda random, bars: random.standard_t(2, bars) * 0.003,
    "a market that stands still": lambda _random, bars: np.zeros(bars),
}


def generated_candles(
    shape: str = "a walk", *, bars: int = 600, seed: int = 1, timeframe: str = "5m", price: float = 100.0
) -> CandleColumns:
    """Candles of one of ``SHAPES``; the same for the same seed."""
    random = np.random.default_rng(seed)
    steps = np.clip(SHAPES[shape](random, bars), -0.5, 0.5)
    close = price * np.exp(np.cumsum(steps))
    opened = np.concatenate([[price], close[:-1]])
    reach = np.abs(random.normal(0.0, 0.0005, bars)) if steps.any() else np.zeros(bars)
    return CandleColumns(
        "BTC/USDT",
        "generated",
        timeframe,
        FIRST_MS + 1000 * timeframes.seconds(timeframe) * np.arange(bars),
        opened,
        np.maximum(opened, close) * (1.0 + reach),
        np.minimum(opened, close) * (1.0 - reach),
        close,
        random.uniform(1.0, 20.0, bars),
    )


def market_of(closes: ArrayLike, *, timeframe: str = "5m") -> MarketView:
    """A view whose candles close at these prices and open at the close before."""
    close = np.asarray(closes, dtype=float)
    opened = np.concatenate([close[:1], close[:-1]])
    columns = CandleColumns(
        "BTC/USDT",
        "written by a test",
        timeframe,
        FIRST_MS + 1000 * timeframes.seconds(timeframe) * np.arange(len(close)),
        opened,
        np.maximum(opened, close),
        np.minimum(opened, close),
        close,
        np.full(len(close), 10.0),
    )
    return view_at(columns, len(close) - 1, len(close), fee_bps=FEE_BPS)


def assert_sound(kind: type[Strategy], **parameters: float) -> None:
    """Raise ``AssertionError`` with a sentence for the first thing that the house would not take: a declaration that
    contradicts itself, a vote out of range, one that depends on the future or on more history than ``needs_bars``.
    """
    for problem in problems_of(kind, parameters):
        raise AssertionError(problem)


def problems_of(kind: type[Strategy], parameters: Mapping[str, float] | None = None) -> Iterator[str]:
    """All that is wrong, one sentence each, cheapest first. ``parameters``: what differs from the defaults."""
    yield from _declared(kind)
    numbers = parameter_values(kind.parameters, parameters or {})

    def build() -> Strategy:
        return kind(numbers)

    needs = build().needs_bars
    if not isinstance(needs, int) or needs < 1:
        yield f"needs_bars was {needs!r}; it must be a whole number from 1 on."
        return
    for shape in SHAPES:
        candles = generated_candles(shape, bars=max(600, 3 * needs))
        places = sampled_places(candles, needs=needs, points=PLACES)
        for place in places:
            vote = build().vote(view_at(candles, place, needs, fee_bps=FEE_BPS))
            yield from (f"In {shape}: {problem}" for problem in _vote(vote))
        for look in (lookahead_findings, warmup_findings):
            for finding in look(build, candles, places, fee_bps=FEE_BPS):
                yield f"In {shape}: {finding.sentence()}"


def _declared(kind: type[Strategy]) -> Iterator[str]:
    if not kind.name.isidentifier() or kind.name != kind.name.lower():
        yield f"name was {kind.name!r}; it must be lower case letters, digits and underscores."
    if not kind.description.strip():
        yield "description is empty; people choose by it."
    if kind.default_timeframe not in timeframes.SECONDS:
        yield f"default_timeframe was {kind.default_timeframe!r}; it must be one of {', '.join(timeframes.SECONDS)}."
    for each in kind.parameters:
        if not each.lowest <= each.default <= each.highest:
            yield f"{each.name}: its default {each.default:g} lies outside {each.lowest:g} to {each.highest:g}."
        if each.searched and not each.lowest <= each.searched[0] < each.searched[1] <= each.highest:
            yield f"{each.name}: it is searched from {each.searched[0]:g} to {each.searched[1]:g}, outside its bounds."
        for value in (each.lowest, each.highest):
            yield from _extreme(kind, each.name, value)


def _extreme(kind: type[Strategy], name: str, value: float) -> Iterator[str]:
    """A declared value builds, or is refused as a parameter's is."""
    try:
        kind({each.name: float(each.default) for each in kind.parameters} | {name: float(value)})
    except ParameterError:
        return
    except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is what the kit tells of
        yield f"{name} = {value:g}, which is declared, raises {type(error).__name__}: {error}."


def _vote(vote: StrategyVote) -> Iterator[str]:
    for name, value, lowest in (("direction", vote.direction, -1.0), ("confidence", vote.confidence, 0.0)):
        if not math.isfinite(value) or not lowest <= value <= 1.0:
            yield f"{name} was {value}; it must lie between {lowest:g} and 1."
    if not 1 <= vote.horizon_bars <= LONGEST_HORIZON:
        yield f"horizon_bars was {vote.horizon_bars}; it must lie between 1 and {LONGEST_HORIZON}."
    if not vote.reason.strip() or len(vote.reason) > LONGEST_REASON:
        yield f"reason was {vote.reason[:40]!r}; it must be one sentence of at most {LONGEST_REASON} characters."
