"""A kit for the tests of a strategy: generated markets, and all that the house asks of a strategy in one call. Pure."""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
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
NO_NUMBER: Final = re.compile(r"(?<![a-z])(nan|inf)(?![a-z])", re.IGNORECASE)
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
    """Candles of one of ``SHAPES``; the same for the same seed. Raises ``ValueError`` for what there is not."""
    if shape not in SHAPES:
        known = ", ".join(f'"{name}"' for name in SHAPES)
        raise ValueError(
            f'The shape was "{shape}"; choose one of {known}, or give closes of your own: candles_of([...]).'
        )
    if bars < 1:
        raise ValueError(f"bars was {bars}; ask for at least one, and for a vote for as many as needs_bars says.")
    random = np.random.default_rng(seed)
    steps = np.clip(SHAPES[shape](random, bars), -0.5, 0.5)
    close = price * np.exp(np.cumsum(steps))
    reach = np.abs(random.normal(0.0, 0.0005, bars)) if steps.any() else np.zeros(bars)
    volume = random.uniform(1.0, 20.0, bars)
    return candles_of(close, opens_at=price, reach=reach, volume=volume, timeframe=timeframe, source="generated")


def candles_of(
    closes: ArrayLike,
    *,
    opens_at: float | None = None,
    reach: ArrayLike = 0.0,
    volume: ArrayLike = 10.0,
    symbol: str = "BTC/USDT",
    source: str = "written by a test",
    timeframe: str = "5m",
    first_ms: int = FIRST_MS,
) -> CandleColumns:
    """Candles that close at these prices and open at the close before, the first at ``opens_at`` or its own close.

    ``reach``: how far highs and lows lie beyond both, as a share, one for all or one a bar; so is ``volume``.
    """
    close = np.asarray(closes, dtype=float)
    opened = np.concatenate([close[:1] if opens_at is None else [opens_at], close[:-1]])
    share = np.asarray(reach, dtype=float)
    return CandleColumns(
        symbol,
        source,
        timeframe,
        first_ms + 1000 * timeframes.seconds(timeframe) * np.arange(len(close)),
        opened,
        np.maximum(opened, close) * (1.0 + share),
        np.minimum(opened, close) * (1.0 - share),
        close,
        np.broadcast_to(np.asarray(volume, dtype=float), close.shape).copy(),
    )


def market_of(closes: ArrayLike, *, timeframe: str = "5m") -> MarketView:
    """A view whose candles close at these prices and open at the close before. Raises ``ValueError`` without any."""
    if np.size(closes) == 0:
        raise ValueError("market_of got no closes; give one or more, oldest first, such as market_of([104, 103, 102]).")
    columns = candles_of(closes, timeframe=timeframe)
    return view_at(columns, len(columns) - 1, len(columns), fee_bps=FEE_BPS)


def assert_sound(kind: type[Strategy], **parameters: float) -> None:
    """Raise ``AssertionError`` with a sentence for the first thing that the house would not take: a declaration that
    contradicts itself, a vote out of range, one that warns (numpy's division by zero) or whose reason tells a ``nan``,
    one that depends on the future or on more history than ``needs_bars``. What the strategy itself raises is raised
    with a note that says where.
    """
    for problem in problems_of(kind, parameters):
        raise AssertionError(problem)


def problems_of(kind: type[Strategy], parameters: Mapping[str, float] | None = None) -> Iterator[str]:
    """All that is wrong, one sentence each, cheapest first. ``parameters``: what differs from the defaults."""
    yield from _declared(kind)
    _build_extremes(kind)
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
            vote, warned = _asked(build(), view_at(candles, place, needs, fee_bps=FEE_BPS), shape)
            yield from (f"In {shape}: {problem}" for problem in (*warned, *_vote(vote)))
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


def _build_extremes(kind: type[Strategy]) -> None:
    """Each declared value builds, or is refused as a parameter's is. Raises what the strategy raises else."""
    for each in kind.parameters:
        for value in (each.lowest, each.highest):
            _build(kind, each.name, value)


def _build(kind: type[Strategy], name: str, value: float) -> None:
    try:
        kind({each.name: float(each.default) for each in kind.parameters} | {name: float(value)})
    except ParameterError:
        return
    except Exception as error:
        error.add_note(f"It was built with {name} = {value:g}, which its declaration allows.")
        raise


def _asked(strategy: Strategy, view: MarketView, shape: str) -> tuple[StrategyVote, list[str]]:
    """The vote, and a sentence for each warning that it gave, such as numpy's of a division by zero."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            vote = strategy.vote(view)
        except Exception as error:
            error.add_note(f"It was asked in {shape}, at {view.closed_at:%Y-%m-%d %H:%M} UTC.")
            raise
    return vote, [
        f"the vote at {view.closed_at:%Y-%m-%d %H:%M} UTC gave the warning '{each.message}' in line {each.lineno} of "
        f"{PurePath(each.filename).name}. Abstain before you divide by 0 or reckon with what is no number."
        for each in caught
        if issubclass(each.category, RuntimeWarning)
    ]


def _vote(vote: StrategyVote) -> Iterator[str]:
    for name, value, lowest in (("direction", vote.direction, -1.0), ("confidence", vote.confidence, 0.0)):
        if not math.isfinite(value) or not lowest <= value <= 1.0:
            yield f"{name} was {value}; it must lie between {lowest:g} and 1."
    if not 1 <= vote.horizon_bars <= LONGEST_HORIZON:
        yield f"horizon_bars was {vote.horizon_bars}; it must lie between 1 and {LONGEST_HORIZON}."
    if not vote.reason.strip() or len(vote.reason) > LONGEST_REASON:
        yield f"reason was {vote.reason[:40]!r}; it must be one sentence of at most {LONGEST_REASON} characters."
    if NO_NUMBER.search(vote.reason):
        told = "it tells a number that is none. Abstain with words for why there is no number."
        yield f"reason was {vote.reason[:80]!r}; {told}"
