"""What the network is asked: does the price go further than a round trip costs, and which way? Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import Series

DOWN, FLAT, UP = 0, 1, 2
CLASSES: Final = ("down", "flat", "up")

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]  # [windows, 3]: down, flat, up; each row sums to 1


def moves_ahead(close: Series, horizon: int) -> Series:
    """Log return from each bar's close to the close ``horizon`` bars later; ``horizon`` values fewer than closes."""
    logs = np.log(close)
    return logs[horizon:] - logs[:-horizon]


def labels_of(moves: Series, *, cost_bps: float) -> Labels:
    """The class of each move: ``UP`` or ``DOWN`` where it is larger than ``cost_bps`` basis points, else ``FLAT``."""
    cost = cost_bps / 10_000.0
    return np.where(moves > cost, UP, np.where(moves < -cost, DOWN, FLAT)).astype(np.int64)


def lean(probabilities: Probabilities) -> Series:
    """P(up) - P(down) of each row, in [-1, 1]."""
    return probabilities[:, UP] - probabilities[:, DOWN]
