"""What a model must have shown on bars it never saw before it may be promoted. Pure; every gate is told, passed or not.

The thresholds are asked of every model alike; nobody can pass one by hand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.agents.domain.agent_weighting import COIN
from apps.agents.domain.neural.calibration import ForecastFigures

LARGEST_CALIBRATION_ERROR: Final = 0.05
FEWEST_TRADES: Final = 30
LARGEST_DRAWDOWN: Final = 0.2


@dataclass(frozen=True, slots=True)
class TradedFigures:
    """What a strategy alone made of the test's bars in the whole firm, after fees and slippage: shares of the capital.

    ``largest_drawdown`` is positive.
    """

    total_return: float
    largest_drawdown: float
    trades: int


@dataclass(frozen=True, slots=True)
class Gate:
    """One threshold and how it was met."""

    name: str
    passed: bool
    detail: str


def promotion_gates(
    *, forecast: ForecastFigures, traded: TradedFigures, rules: Mapping[str, TradedFigures]
) -> tuple[Gate, ...]:
    """All gates; a figure that is no number fails its gate."""
    best = max(rules, key=lambda name: (rules[name].total_return, name)) if rules else None
    best_return = rules[best].total_return if best is not None else math.nan
    return (
        _gate(
            "forecast_beats_the_shares",
            forecast.log_loss < forecast.base_loss,
            f"log loss {forecast.log_loss:.4f}; always telling the training part's shares has {forecast.base_loss:.4f}",
        ),
        _gate(
            "direction_beats_a_coin",
            forecast.direction_brier < COIN,
            f"Brier score of the direction {forecast.direction_brier:.4f}; a coin has {COIN}",
        ),
        _gate(
            "probabilities_are_calibrated",
            forecast.calibration_error <= LARGEST_CALIBRATION_ERROR,
            f"calibration error {forecast.calibration_error:.3f}, at most {LARGEST_CALIBRATION_ERROR}",
        ),
        _gate(
            "enough_trades",
            traded.trades >= FEWEST_TRADES,
            f"{traded.trades} closed trades, at least {FEWEST_TRADES}",
        ),
        _gate(
            "profit_after_costs",
            traded.total_return > 0.0,
            f"return {traded.total_return:+.2%} after fees and slippage",
        ),
        _gate(
            "beats_every_rule_strategy",
            traded.total_return > best_return,
            f"return {traded.total_return:+.2%}; the best rule strategy, {best or 'none'}, made {best_return:+.2%}",
        ),
        _gate(
            "drawdown_is_bounded",
            traded.largest_drawdown <= LARGEST_DRAWDOWN,
            f"largest drawdown {traded.largest_drawdown:.2%}, at most {LARGEST_DRAWDOWN:.0%}",
        ),
    )


def _gate(name: str, passed: bool, detail: str) -> Gate:
    return Gate(name, bool(passed), detail)
