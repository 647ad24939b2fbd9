"""What a search tries, and what each trial came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from apps.agents.domain.performance.equity_curve import Series
from apps.agents.domain.performance.performance_report import Performance

OBJECTIVES = ("sharpe", "sortino", "calmar", "total_return")
FIGURES = ("total_return", "sharpe", "sortino", "calmar", "max_drawdown", "excess_return")


@dataclass(frozen=True)
class Trial:
    """``value``: the objective on the training, None where the setting can't be (``refused`` says why) or nothing was
    to be measured. ``returns``: of each day of the training.
    """

    number: int
    parameters: Mapping[str, float]
    value: float | None
    figures: Mapping[str, float | None]
    returns: Series
    refused: str = ""


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The one with the highest value, the earlier one of equals; None where none has a value."""
    valued = [trial for trial in trials if trial.value is not None]
    return max(valued, key=lambda trial: (trial.value, -trial.number)) if valued else None


def figures_of(report: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """The few figures of a performance report that a search shows."""
    return {name: report["equity"][name] for name in FIGURES} | {"trades": report["trades"]["trades"]}


def objective_of(report: Mapping[str, Mapping[str, float | None]], objective: str) -> float | None:
    """The figure that is searched for; of a run that never traded, 0."""
    if not report["trades"]["trades"] and report["equity"]["total_return"] == 0.0:
        return 0.0
    return report["equity"][objective]


def daily_returns(performance: Performance) -> Series:
    """Of each day of the run, all runs of one stretch have as many."""
    return np.ascontiguousarray(performance.curve.daily_returns)
