"""A run beside buying and holding: the whole, its months, and its trades by every label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.performance.curve_metrics import (
    curve_metrics,
    is_short_for_calmar,
    is_short_of_a_year,
)
from apps.agents.domain.performance.equity_curve import DAY_MS, EquityCurve, Series
from apps.agents.domain.performance.sharpe_significance import probabilistic_sharpe
from apps.agents.domain.performance.trade_table import LABELS, TradeTable, metrics_by, trade_metrics


@dataclass(frozen=True)
class Performance:
    """``invested``: what was held at each point after the first, as a share of equity. ``traded``: value of all fills.

    ``holding``: the curve of buying all instruments in equal parts at the first opening and keeping them, with the same
    fee; ``held_by_instrument``: what that brought of each one, as a share.
    """

    curve: EquityCurve
    holding: EquityCurve
    held_by_instrument: Mapping[str, float]
    invested: Series | NDArray[np.bool_]
    traded: float
    trades: TradeTable


def performance_report(run: Performance) -> dict[str, Any]:
    """All figures, JSON-ready: ``equity``, ``trades``, ``buy_and_hold``, ``by`` label, ``months`` of both curves;
    ``untold``: why a figure of equity and holding is none, where a reader would ask.
    """
    whole, held = curve_metrics(run.curve), curve_metrics(run.holding)
    exposure = np.count_nonzero(run.invested > 0) / len(run.invested) if len(run.invested) else 0.0
    in_or_out = run.invested.dtype == np.bool_ or not len(run.invested)
    equity = whole.as_json() | {
        "probabilistic_sharpe": probabilistic_sharpe(run.curve.daily_returns),
        "exposure": exposure,
        "average_invested": exposure if in_or_out else float(np.mean(run.invested)),
        "turnover": run.traded / float(np.mean(run.curve.values)),
        "excess_return": whole.total_return - held.total_return,
    }
    groups = {
        label: {name: found.as_json() for name, found in metrics_by(run.trades, label).items()} for label in LABELS
    }
    for symbol, brought in run.held_by_instrument.items():
        groups["instrument"].setdefault(symbol, trade_metrics(run.trades.where(run.trades.symbol == symbol)).as_json())
        groups["instrument"][symbol]["buy_and_hold_return"] = brought
    return {
        "equity": equity,
        "trades": trade_metrics(run.trades).as_json(),
        "buy_and_hold": held.as_json(),
        "by": groups,
        "months": months_beside(run.curve, run.holding),
        "untold": untold(run.curve),
    }


def untold(curve: EquityCurve) -> dict[str, str]:
    """Figures that a run of this length has none of, by name, each with the reason in a sentence."""
    if not is_short_of_a_year(curve):
        return {}
    days = f"{float(curve.times[-1] - curve.times[0]) / DAY_MS:.1f}"
    reasons = {
        "cagr": f"A run of {days} days is not annualised: growth a year is told of a whole year at least, as GIPS asks."
    }
    if is_short_for_calmar(curve):
        reasons["calmar"] = (
            f"A run of {days} days has no Calmar ratio: it sets growth a year, told of 30 days at least, against the "
            "largest fall."
        )
    return reasons


def months_beside(curve: EquityCurve, holding: EquityCurve) -> dict[str, dict[str, float]]:
    """The return of each calendar month (UTC) of the run and of holding; the first and last may be parts of one."""
    ours, theirs = _monthly(curve), _monthly(holding)
    return {
        month: {"return": value, "buy_and_hold_return": theirs[month], "excess_return": value - theirs[month]}
        for month, value in ours.items()
    }


def _monthly(curve: EquityCurve) -> dict[str, float]:
    ends = curve.day_ends[curve.day_ends > 0]
    months = (curve.times[ends] - 1).astype("datetime64[ms]").astype("datetime64[M]")
    last = np.flatnonzero(np.append(months[1:] != months[:-1], True))[: len(months)]
    closes = np.concatenate([curve.values[:1], curve.values[ends][last]])
    returns = closes[1:] / closes[:-1] - 1.0
    return {str(month): float(value) for month, value in zip(months[last], returns, strict=True)}
