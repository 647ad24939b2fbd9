"""What a search came to: each fold's choice in and out of its sample, all tests in a row, and how much is luck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.agents.domain.performance.curve_metrics import curve_metrics, daily_sharpe
from apps.agents.domain.performance.equity_curve import DAY_MS, EquityCurve, Series
from apps.agents.domain.performance.sharpe_significance import deflated_sharpe
from apps.agents.domain.search.overfitting import probability_of_overfitting
from apps.agents.domain.search.trials import Trial
from apps.agents.domain.search.walk_forward import Fold
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes


@dataclass(frozen=True)
class TestedFold:
    """``tested``, ``returns`` and ``holding`` (of each day) of the test; the last fold has none."""

    fold: Fold
    trials: Sequence[Trial]
    best: Trial
    tested: Mapping[str, float | None] | None = None
    returns: Series = field(default_factory=lambda: np.empty(0))
    holding: Series = field(default_factory=lambda: np.empty(0))


def search_report(tested: Sequence[TestedFold], *, objective: str, days: float, gap_days: int) -> dict[str, Any]:
    """JSON-ready: ``folds``, ``out_of_sample`` (all tests in a row) beside ``in_sample``, ``recommended`` from the last
    fold with what is likely luck, ``surface`` (its trials). ``days``: trading days of a year.
    """
    walked, whole = tested[:-1], tested[-1]
    first = walked[0].fold.test_from or 0
    daily = all((one.fold.test_until or 0) - (one.fold.test_from or 0) >= DAY_MS for one in walked)
    outside = _curve(np.concatenate([one.returns for one in walked]), first, days)
    holding = _curve(np.concatenate([one.holding for one in walked]), first, days)
    return {
        "objective": objective,
        "folds": [_fold(one, gap_days) for one in walked],
        "out_of_sample": None if outside is None else _figures(outside, daily=daily),
        "buy_and_hold": None if holding is None else _figures(holding, daily=daily),
        "curve": _points(outside, holding) if outside is not None and holding is not None and daily else [],
        "efficiency": _efficiency(walked, objective),
        "recommended": _recommended(whole, gap_days),
        "surface": [_trial(trial) for trial in whole.trials],
    }


def _curve(returns: Series, first_ms: int, days: float) -> EquityCurve | None:
    """Days in a row from the first test on; the gaps between tests have no days."""
    if not len(returns):
        return None
    times = first_ms + np.arange(len(returns) + 1, dtype=np.int64) * DAY_MS
    return EquityCurve(times, np.concatenate([[1.0], np.cumprod(1.0 + returns)]), days_per_year=days)


def _figures(curve: EquityCurve, *, daily: bool) -> dict[str, float | int | None]:
    """All figures of the tests in a row; of tests shorter than a day only the return can be told."""
    found = curve_metrics(curve).as_json()
    return found if daily else dict.fromkeys(found) | {"total_return": found["total_return"]}


def _points(outside: EquityCurve, holding: EquityCurve) -> list[list[object]]:
    rows = zip(outside.times.tolist(), outside.values.tolist(), holding.values.tolist(), strict=True)
    return [[utc_text(timeframes.from_milliseconds(at)), own, held] for at, own, held in rows]


def _fold(one: TestedFold, gap_days: int) -> dict[str, Any]:
    fold, overfit = one.fold, probability_of_overfitting(_matrix(one.trials), gap_days=gap_days)
    return {
        "number": fold.number + 1,
        "train": [_time(fold.train_from), _time(fold.train_until)],
        "test": [_time(fold.test_from), _time(fold.test_until)],
        "parameters": dict(one.best.parameters),
        "in_sample": dict(one.best.figures),
        "out_of_sample": dict(one.tested or {}),
        "trials": len(one.trials),
        "refused": sum(trial.value is None for trial in one.trials),
        "overfit_probability": None if overfit is None else overfit.probability,
    }


def _recommended(one: TestedFold, gap_days: int) -> dict[str, Any]:
    overfit = probability_of_overfitting(_matrix(one.trials), gap_days=gap_days)
    ratios = [ratio for trial in one.trials if (ratio := daily_sharpe(trial.returns)) is not None]
    spread = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0
    return {
        "parameters": dict(one.best.parameters),
        "in_sample": dict(one.best.figures),
        "trials": len(one.trials),
        "refused": sum(trial.value is None for trial in one.trials),
        "overfit_probability": None if overfit is None else overfit.probability,
        "loss_probability": None if overfit is None else overfit.loss_probability,
        "halvings": None if overfit is None else overfit.halvings,
        "deflated_sharpe": deflated_sharpe(one.best.returns, trials=max(1, len(ratios)), variance=spread),
    }


def _matrix(trials: Sequence[Trial]) -> Series:
    """Days by settings, each setting once."""
    once = {tuple(sorted(trial.parameters.items())): trial.returns for trial in trials if len(trial.returns)}
    return np.column_stack(list(once.values())) if once else np.empty((0, 0))


def _efficiency(walked: Sequence[TestedFold], objective: str) -> float | None:
    """Mean of the objective out of sample over that in sample; None where that is not above zero or not known."""
    inside = [one.best.figures.get(objective) for one in walked]
    outside = [(one.tested or {}).get(objective) for one in walked]
    pairs = [(a, b) for a, b in zip(inside, outside, strict=True) if a is not None and b is not None]
    whole = sum(a for a, _ in pairs)
    return sum(b for _, b in pairs) / whole if pairs and whole > 0.0 else None


def _trial(trial: Trial) -> dict[str, Any]:
    return {"parameters": dict(trial.parameters), "value": trial.value, "refused": trial.refused}


def _time(at: int | None) -> str | None:
    return None if at is None else utc_text(timeframes.from_milliseconds(at))
