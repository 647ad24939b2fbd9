"""Which instruments move together, and how much is held of them. Pure; numpy.

Pearson correlation of the simple returns of closed candles over the bars both instruments have. Two statements make it
safe to use in the gate:
- A pair that can't be measured (less than half of the window in common) counts as moving together: the cap still holds,
  and an order that fits under it even so is not held up by a young instrument's short history.
- A price that did not move over the window has no correlation and counts as zero: whether it is a frozen feed is asked
  by stale_price, not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from apps.foundation.money import ZERO

Closes = Mapping[Any, float]  # closing price by closing time, in any unit


@dataclass(frozen=True, slots=True)
class CorrelatedGroup:
    """``symbols`` move together with the order's instrument, itself included; ``total`` is None for want of a price."""

    symbols: tuple[str, ...]
    unmeasured: tuple[str, ...]
    total: Decimal | None


def correlations_with(symbol: str, closes: Mapping[str, Closes], *, bars: int) -> dict[str, float]:
    """The correlation of every other instrument's returns with those of ``symbol``; unmeasured pairs are left out.

    ``closes``: closing price by time, per instrument. ``bars``: length of the window; half of it must be in common.
    """
    own = closes.get(symbol, {})
    found = {}
    for other, theirs in closes.items():
        shared = sorted(own.keys() & theirs.keys())
        if other != symbol and len(shared) - 1 >= max(2, bars // 2):
            found[other] = _pearson([own[at] for at in shared], [theirs[at] for at in shared])
    return found


def _pearson(first: Sequence[float], second: Sequence[float]) -> float:
    ours, theirs = np.asarray(first), np.asarray(second)
    a, b = np.diff(ours) / ours[:-1], np.diff(theirs) / theirs[:-1]
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip((a @ b) / scale, -1.0, 1.0)) if scale > 0.0 else 0.0


def correlated_exposure(
    *,
    symbol: str,
    exposures: Mapping[str, Decimal | None],
    correlations: Mapping[str, float],
    threshold: Decimal,
) -> CorrelatedGroup:
    """What is held of ``symbol`` and of everything that moves with it at ``threshold`` or above, or is unmeasured."""
    others = sorted(name for name, value in exposures.items() if name != symbol and value != ZERO)
    unmeasured = tuple(name for name in others if name not in correlations)
    together = (symbol, *(name for name in others if name in unmeasured or correlations[name] >= float(threshold)))
    values = [exposures.get(name, ZERO) for name in together]
    known = [value for value in values if value is not None]
    return CorrelatedGroup(together, unmeasured, sum(known, ZERO) if len(known) == len(values) else None)
