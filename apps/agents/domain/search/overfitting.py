"""How likely the best of many tried settings is best by luck: combinatorially symmetric cross-validation."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from apps.agents.domain.performance.equity_curve import Series

BLOCKS = 10  # 252 ways to halve them
FEWEST_DAYS_A_BLOCK = 2
FEWEST_SETTINGS = 2


@dataclass(frozen=True, slots=True)
class Overfitting:
    """``probability`` that what was best in one half is below the median of all in the other; ``halvings``: how many
    ways were tried; ``loss_probability`` that the chosen one lost money there.
    """

    probability: float
    loss_probability: float
    halvings: int


def probability_of_overfitting(returns: Series, *, gap_days: int = 0) -> Overfitting | None:
    """Of daily ``returns``, one row a day and one column a setting; None for too few days or settings.

    The days are cut into blocks in order, each halving of the blocks chooses the setting with the best Sharpe ratio in
    one half, and its rank in the other half is looked at. ``gap_days`` are left out at the beginning of each block, so
    that halves which touch share no trade. Source: Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of
    Backtest Overfitting" (2015).
    """
    days, settings = returns.shape
    blocks = BLOCKS
    while blocks > 2 and days // blocks < FEWEST_DAYS_A_BLOCK + gap_days:  # noqa: PLR2004 - two halves at least
        blocks -= 2
    if days // blocks < FEWEST_DAYS_A_BLOCK + gap_days or settings < FEWEST_SETTINGS:
        return None
    parts = [part[gap_days if place else 0 :] for place, part in enumerate(np.array_split(np.arange(days), blocks))]
    below = losing = count = 0
    for chosen in combinations(range(blocks), blocks // 2):
        inside = returns[np.concatenate([parts[place] for place in chosen])]
        outside = returns[np.concatenate([parts[place] for place in range(blocks) if place not in chosen])]
        best = int(np.argmax(_sharpes(inside)))
        judged = _sharpes(outside)
        # The rank of the chosen one among all, ties shared; below the middle its logit is at most 0.
        rank = float(np.sum(judged < judged[best]) + (np.sum(judged == judged[best]) + 1) / 2)
        below += math.log(rank / (settings + 1 - rank)) <= 0.0
        losing += float(np.sum(np.log1p(outside[:, best]))) < 0.0
        count += 1
    return Overfitting(below / count, losing / count, count)


def _sharpes(returns: Series) -> Series:
    """Of each column; a column that never moved has 0."""
    spread = returns.std(axis=0, ddof=1)
    return np.divide(returns.mean(axis=0), spread, out=np.zeros(returns.shape[1]), where=spread > 1e-12)  # noqa: PLR2004
