"""How much of a result is luck: its daily returns drawn again and again, in blocks, so that calm and stormy days stay
together. Seeded: the same run and seed give the same figures.
"""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.performance.equity_curve import EquityCurve, Series

SAMPLES: Final = 2_000
FEWEST_DAYS: Final = 20
INTERVAL: Final = (5.0, 95.0)  # percentiles
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class BootstrapSignificance:
    """Probabilities are one-sided: how often a strategy without any edge, with days like these, does as well by luck;
    ``beyond_holding`` asks the same of the daily differences to holding (None where both are one). ``sharpe`` (a
    year's) and ``total_return`` are the bounds between which 90 % of the drawn histories lie.
    """

    samples: int
    days: int
    block_days: float
    luck_probability: float
    luck_probability_beyond_holding: float | None
    sharpe: tuple[float, float]
    total_return: tuple[float, float]

    def as_json(self) -> dict[str, object]:
        """The figures by name."""
        return asdict(self) | {"sharpe": list(self.sharpe), "total_return": list(self.total_return)}


def bootstrap_significance(
    curve: EquityCurve, holding: EquityCurve, *, seed: int, samples: int = SAMPLES
) -> BootstrapSignificance | None:
    """Of a run beside holding; None for fewer than ``FEWEST_DAYS`` days or returns that do not differ.

    The stationary bootstrap (Politis and Romano, "The Stationary Bootstrap", 1994) draws blocks of geometric length,
    on average the cube root of the days. Luck is measured on returns that were shifted to a mean of zero, as in White,
    "A Reality Check for Data Snooping" (2000); the probability is (1 + at least as good) / (1 + drawn), as in Davison
    and Hinkley, "Bootstrap Methods and their Application" (1997), 4.2.
    """
    returns, held = curve.daily_returns, holding.daily_returns
    days = len(returns)
    if days < FEWEST_DAYS or float(np.ptp(returns)) < _ROUNDING:
        return None
    block = float(max(1.0, round(days ** (1.0 / 3.0))))
    excess = returns - held
    random = np.random.default_rng(seed)
    sums, squares, logs, beyond = _drawn(random, (returns, returns**2, np.log1p(returns), excess), samples, block)
    means = sums / days
    spread = np.sqrt(np.maximum(squares - days * means**2, 0.0) / (days - 1))
    ratios = np.divide(means, spread, out=np.zeros_like(means), where=spread > _ROUNDING)
    differs = float(np.ptp(excess)) >= _ROUNDING
    return BootstrapSignificance(
        samples=samples,
        days=days,
        block_days=block,
        luck_probability=_luck(means, float(np.mean(returns))),
        luck_probability_beyond_holding=_luck(beyond / days, float(np.mean(excess))) if differs else None,
        sharpe=_bounds(ratios * np.sqrt(curve.days_per_year)),
        total_return=_bounds(np.expm1(logs)),
    )


def _drawn(random: np.random.Generator, columns: tuple[Series, ...], samples: int, block: float) -> list[Series]:
    """The sum of each column over ``samples`` drawn histories, day after day for all of them at once."""
    days = len(columns[0])
    sums = np.zeros((len(columns), samples))
    table = np.array(columns)
    place: NDArray[np.int64] = random.integers(0, days, samples)
    for day in range(days):
        if day:
            begins = random.random(samples) < 1.0 / block
            place = np.where(begins, random.integers(0, days, samples), (place + 1) % days)
        sums += table[:, place]
    return list(sums)


def _luck(drawn: Series, seen: float) -> float:
    """How often a mean of zero would have come out at ``seen`` or above."""
    return float((1 + np.count_nonzero(drawn - seen >= seen)) / (1 + len(drawn)))


def _bounds(values: Series) -> tuple[float, float]:
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)
