"""A generated practice market: regimes, jumps, two venues with a basis, spreads and gaps. Pure: the seed decides all.

Time is cut into blocks of ``BLOCK`` bars, each with a regime. The price at a block's start is the sum of the earlier
blocks' drawn moves, and the path inside is a bridge to the next start; so any bar is found from the seed without the
bars before it. Floats make the path (they are decisions about a made-up world, not money); the candles that leave are
Decimals on the tick.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from random import Random

from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules, split_symbol

BASE_TIMEFRAME = "1m"
SOURCES = ("simulated-a", "simulated-b")
FIRST_OPEN = datetime(2026, 1, 1, tzinfo=UTC)
BLOCK = 96
_START_PRICES = {
    "BTC": 62_000.0,
    "ETH": 3_100.0,
    "SOL": 145.0,
    "BNB": 560.0,
    "XRP": 0.55,
    "DOGE": 0.14,
    "ADA": 0.45,
    "LTC": 72.0,
}
_PULL = (
    0.12  # share of its distance from the start price that a block takes back, so that a run of years stays in bounds
)
_DISLOCATED = 0.45  # share of the hours in which the second venue comes off the common price
_LOST_BARS = 0.0005  # share of the first venue's bars
_OUTAGES = 0.6  # share of the stretches of 300 bars in which the second venue goes silent
_MIN_NOTIONAL = Decimal(5)


@dataclass(frozen=True, slots=True)
class Regime:
    """``drift`` and ``noise`` per bar as fractions; ``swing`` is the height of the waves of a ranging market."""

    name: str
    weight: float
    drift: float
    noise: float
    swing: float
    jump_chance: float


REGIMES = (
    Regime("rising", 0.24, +0.00055, 0.0009, 0.000, 0.004),
    Regime("falling", 0.22, -0.00055, 0.0009, 0.000, 0.004),
    Regime("ranging", 0.30, 0.0, 0.0008, 0.010, 0.002),
    Regime("quiet", 0.14, 0.0, 0.0003, 0.001, 0.000),
    Regime("wild", 0.10, 0.0, 0.0026, 0.006, 0.030),
)


@dataclass(frozen=True, slots=True)
class _Block:
    """Log prices at the ``BLOCK + 1`` bar edges, and what the candles of this block are drawn with."""

    edges: tuple[float, ...]
    regime: Regime


@cache
def rules(symbol: str) -> InstrumentRules:
    """Tick and step by the size of the start price: six significant digits, steps worth a few tenths of the quote
    currency.
    """
    base, quote = split_symbol(symbol)
    magnitude = math.floor(math.log10(_start_price(base)))
    step = Decimal(1).scaleb(-magnitude - 1)
    return InstrumentRules(symbol, base, quote, Decimal(1).scaleb(magnitude - 5), step, step, _MIN_NOTIONAL)


@lru_cache(maxsize=1_024)  # the quotes of a bar are drawn from its candles
def candle(*, seed: int, symbol: str, source: str, index: int) -> Candle | None:
    """Bar ``index`` (0 opens at ``FIRST_OPEN``) of one venue; None where that venue has a gap."""
    if index < 0 or _is_missing(seed, symbol, source, index):
        return None
    place = index % BLOCK
    block = _block(seed, symbol, index // BLOCK)
    shift_open, shift_close = _basis(seed, symbol, source, index - 1), _basis(seed, symbol, source, index)
    opened = math.exp(block.edges[place] + shift_open)
    closed = math.exp(block.edges[place + 1] + shift_close)
    draw = _draw(seed, symbol, source, "bar", index)
    reach = block.regime.noise * 0.6
    high = max(opened, closed) * math.exp(abs(draw.gauss(0, reach)))
    low = min(opened, closed) * math.exp(-abs(draw.gauss(0, reach)))
    tick, step = rules(symbol).tick_size, rules(symbol).step_size
    traded = 40_000.0 * math.exp(draw.gauss(0, 0.5)) * (1 + abs(closed / opened - 1) / block.regime.noise) / closed
    return Candle(
        symbol=symbol,
        source=source,
        timeframe=BASE_TIMEFRAME,
        open_at=FIRST_OPEN + index * timeframes.span(BASE_TIMEFRAME),
        open=_on_grid(opened, tick),
        high=_on_grid(high, tick),
        low=_on_grid(low, tick),
        close=_on_grid(closed, tick),
        volume=_on_grid(traded, step),
    )


def index_of(open_at: datetime) -> int:
    """The number of the bar that opens at ``open_at``; negative before the first."""
    return (open_at - FIRST_OPEN) // timeframes.span(BASE_TIMEFRAME)


def _start_price(base: str) -> float:
    known = _START_PRICES.get(base)
    return known if known is not None else round(10 ** _draw("start", base).uniform(-0.5, 2.5), 4)


@lru_cache(maxsize=4_096)
def _regime(seed: int, symbol: str, number: int) -> Regime:
    draw = _draw(seed, symbol, "regime", number)
    return draw.choices(REGIMES, weights=[regime.weight for regime in REGIMES])[0]


_walked: dict[tuple[int, str], list[float]] = {}  # only what the seed decides anyway, kept so as not to walk it again


def _level(seed: int, symbol: str, number: int) -> float:
    """Log distance from the start price at the start of block ``number``."""
    known = _walked.setdefault((seed, symbol), [0.0])
    while len(known) <= number:
        block = len(known) - 1
        regime = _regime(seed, symbol, block)
        draw = _draw(seed, symbol, "level", block)
        move = regime.drift * BLOCK + draw.gauss(0, regime.noise * math.sqrt(BLOCK) * 0.6)
        known.append(known[-1] * (1 - _PULL) + move)
    return known[number]


@lru_cache(maxsize=64)
def _block(seed: int, symbol: str, number: int) -> _Block:
    regime = _regime(seed, symbol, number)
    begin, end = _level(seed, symbol, number), _level(seed, symbol, number + 1)
    draw = _draw(seed, symbol, "path", number)
    waves, phase = draw.uniform(2, 4), draw.uniform(0, math.tau)
    walk, lift = [0.0], math.log(_start_price(split_symbol(symbol)[0]))
    for _ in range(BLOCK):
        jump = draw.choice((-1, 1)) * draw.uniform(0.006, 0.018) if draw.random() < regime.jump_chance else 0.0
        walk.append(walk[-1] + draw.gauss(0, regime.noise) + jump)
    edges = []
    for place in range(BLOCK + 1):
        part = place / BLOCK
        wave = regime.swing * math.sin(phase + math.tau * waves * part) * math.sin(math.pi * part)
        edges.append(lift + begin + (end - begin) * part + walk[place] - walk[-1] * part + wave)
    return _Block(edges=tuple(edges), regime=regime)


def _basis(seed: int, symbol: str, source: str, index: int) -> float:
    """Log distance of a venue from the common price: a slow tide, and now and then a dislocation that fades over some
    bars.
    """
    if source == SOURCES[0] or index < 0:
        return 0.0
    phase = _draw(seed, symbol, "basis").uniform(0, math.tau)
    tide = 0.0004 * math.sin(phase + index / 53) + 0.0003 * math.sin(2 * phase + index / 17)
    slot = index // 60
    draw = _draw(seed, symbol, "dislocation", slot)
    if draw.random() > _DISLOCATED:
        return tide
    begins, height = draw.randrange(0, 40), draw.choice((-1, 1)) * draw.uniform(0.003, 0.008)
    since = index - slot * 60 - begins
    return tide + (height * math.exp(-since / 5) if since >= 0 else 0.0)


def _is_missing(seed: int, symbol: str, source: str, index: int) -> bool:
    """The first venue loses a single bar about every two thousand, the second some bars in a row about every three
    hundred.
    """
    if source == SOURCES[0]:
        return _draw(seed, symbol, "hole", index).random() < _LOST_BARS
    draw = _draw(seed, symbol, "outage", index // 300)
    begins, length = draw.randrange(0, 290), draw.randrange(1, 9)
    return draw.random() < _OUTAGES and begins <= index % 300 < begins + length


def _on_grid(value: float, step: Decimal) -> Decimal:
    return max(Decimal(round(value / float(step))) * step, step)


def _draw(*cause: object) -> Random:
    """The random numbers that this cause always gives. They make up a world and keep no secret."""
    return Random("|".join(str(part) for part in cause))  # noqa: S311
