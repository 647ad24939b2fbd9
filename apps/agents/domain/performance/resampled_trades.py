"""What else the same trades could have come to: in another order, and drawn anew. Seeded: the same trades and seed give
the same figures.

Sources: Vince, "Portfolio Management Formulas" (1990), on the order of trades and drawdown; Aronson, "Evidence-Based
Technical Analysis" (2006), chapters 5 and 6, on drawing trades anew.
"""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.performance.equity_curve import Series
from apps.agents.domain.performance.trade_table import TradeTable

SAMPLES: Final = 2_000
FEWEST_SAMPLES: Final = 200
FEWEST_TRADES: Final = 10
MOST_DRAWN: Final = 6_000_000  # trades in all samples: many trades are drawn less often
AT_ONCE: Final = 2_000_000  # trades in memory
PERCENTILES: Final = (5, 25, 50, 75, 95)
Percentiles = dict[str, float]


@dataclass(frozen=True, slots=True)
class ResampledTrades:
    """Shares of the capital; percentiles by name (``p5`` to ``p95``). Trades are compounded in the order of closing, so
    ``largest_drawdown`` is that between closings and may be smaller than the curve's.

    ``drawn``: as many trades drawn with replacement. ``shuffled``: the same trades in another order, which changes only
    the drawdown. ``calmer_orders``: the share of orders whose drawdown was no larger than the one that happened.
    """

    samples: int
    trades: int
    total_return: float
    largest_drawdown: float
    drawn_return: Percentiles
    drawn_drawdown: Percentiles
    shuffled_drawdown: Percentiles
    loss_probability: float
    calmer_orders: float

    def as_json(self) -> dict[str, object]:
        """The figures by name."""
        return asdict(self)


def resampled_trades(
    trades: TradeTable, *, capital: float, seed: int, samples: int = SAMPLES
) -> ResampledTrades | None:
    """Of all closed trades; None for fewer than ``FEWEST_TRADES``, or where one lost more than there was."""
    count = len(trades)
    if count < FEWEST_TRADES:
        return None
    before = capital + np.concatenate([[0.0], np.cumsum(trades.profit)[:-1]])
    if before.min() <= 0.0 or (trades.profit <= -before).any():
        return None
    growth = np.log1p(trades.profit / before)
    samples = max(FEWEST_SAMPLES, min(samples, MOST_DRAWN // count))
    random = np.random.default_rng(seed)
    drawn_logs, drawn_falls = _histories(random, growth, samples, anew=True)
    _, shuffled_falls = _histories(random, growth, samples, anew=False)
    happened = float(_falls(growth[np.newaxis, :])[0])
    return ResampledTrades(
        samples=samples,
        trades=count,
        total_return=float(np.expm1(growth.sum())),
        largest_drawdown=happened,
        drawn_return=_percentiles(np.expm1(drawn_logs)),
        drawn_drawdown=_percentiles(drawn_falls),
        shuffled_drawdown=_percentiles(shuffled_falls),
        loss_probability=float(np.mean(drawn_logs < 0.0)),
        calmer_orders=float(np.mean(shuffled_falls <= happened + 1e-12)),
    )


def _histories(random: np.random.Generator, growth: Series, samples: int, *, anew: bool) -> tuple[Series, Series]:
    """The log of the end and the largest drawdown of each history."""
    count = len(growth)
    rows = max(1, AT_ONCE // count)
    ends, falls = [], []
    for start in range(0, samples, rows):
        some = min(rows, samples - start)
        if anew:
            paths = growth[random.integers(0, count, (some, count))]
        else:
            paths = random.permuted(np.broadcast_to(growth, (some, count)), axis=1)
        ends.append(paths.sum(axis=1))
        falls.append(_falls(paths))
    return np.concatenate(ends), np.concatenate(falls)


def _falls(paths: NDArray[np.float64]) -> Series:
    """The largest drawdown of each row of log returns, as a share."""
    worth = np.cumsum(paths, axis=1)
    highs = np.maximum(np.maximum.accumulate(worth, axis=1), 0.0)
    return -np.expm1((worth - highs).min(axis=1))


def _percentiles(values: Series) -> Percentiles:
    found = np.percentile(values, PERCENTILES)
    return {f"p{name}": float(value) for name, value in zip(PERCENTILES, found, strict=True)}
