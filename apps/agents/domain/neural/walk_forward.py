"""Walk-forward splits in time: learn on the past, stop on what follows, be judged on what follows that. Pure.

A sample at time t looks at the price until t + horizon, so samples whose horizon reaches into the next part are left
out of the earlier one (purging; Lopez de Prado, "Advances in Financial Machine Learning", 2018, chapter 7). The test
always lies after everything that was learned, so no embargo is needed behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FIRST_TRAINED = 0.4  # of the whole span, before the first test
VALIDATION = 0.15  # of what lies before a test


@dataclass(frozen=True, slots=True)
class Fold:
    """Times in milliseconds; each part ends where the next begins: ``[first, validation_from, test_from, until)``."""

    first: int
    validation_from: int
    test_from: int
    until: int


@dataclass(frozen=True, slots=True)
class FoldParts:
    """Which samples belong to which part, as masks."""

    training: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]


def walk_forward(*, first: int, until: int, folds: int) -> Sequence[Fold]:
    """``folds`` tests of equal length behind one another, each with all that lies before it to learn from.

    Raises ``ValueError`` for a span or a number of folds that leaves a part empty.
    """
    if not 1 <= folds <= 20 or until <= first:  # noqa: PLR2004 - more folds than that would be tests of a day
        raise ValueError(f"Folds were {folds} over {until - first} ms; take 1 to 20 over a span of time.")
    start = first + FIRST_TRAINED * (until - first)
    edges = [round(start + (until - start) * number / folds) for number in range(folds + 1)]
    return [
        Fold(first, round(test_from - VALIDATION * (test_from - first)), test_from, end)
        for test_from, end in pairwise(edges)
    ]


def parts_of(fold: Fold, closed_at: NDArray[np.int64], *, reach_ms: int) -> FoldParts:
    """The parts of samples whose bar closed at ``closed_at`` and whose label looks ``reach_ms`` further."""
    ends = closed_at + reach_ms
    return FoldParts(
        training=(closed_at >= fold.first) & (ends <= fold.validation_from),
        validation=(closed_at >= fold.validation_from) & (ends <= fold.test_from),
        test=(closed_at >= fold.test_from) & (ends <= fold.until),
    )
