"""What strategies alone make of the same bars after the same costs: the yardstick that a model must beat."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from apps.agents.domain.backtest.run_backtest import BacktestWish, WantedStrategy, run_backtest
from apps.agents.domain.neural.promotion_gates import TradedFigures
from apps.agents.domain.strategies.contract import ForwardPass
from apps.agents.operations.load_model import shipped_model
from apps.market.domain.candle_columns import CandleColumns
from apps.trading.domain.venues.paper_terms import terms_of

RULE_STRATEGIES = ("momentum", "mean_reversion", "breakout", "arbitrage")
CAPITAL = Decimal(1000)


def traded_figures(
    *, strategy: str, series: Sequence[CandleColumns], model: ForwardPass | None = None
) -> TradedFigures:
    """The strategy's signal all in or all out on each series with an equal part of the capital, fees and slippage of
    the paper venue paid. Series of one length are added up bar by bar, so that the drawdown is that of them together.
    """
    judge = shipped_model if model is None else lambda: model
    capital = CAPITAL / len(series)
    curves, trades = [], 0
    for columns in series:
        terms = terms_of(columns.symbol)
        wish = BacktestWish(
            [WantedStrategy(strategy)],
            mode="signal",
            capital=capital,
            slippage_bps=terms.spread_bps / 2 + terms.slippage_bps,
        )
        found = run_backtest(wish=wish, series=[columns], rules={}, model=judge).performance
        curves.append(found.curve.values)
        trades += len(found.trades)
    shortest = min(len(curve) for curve in curves)
    together = np.sum([curve[-shortest:] for curve in curves], axis=0)
    highest = np.maximum.accumulate(together)
    return TradedFigures(
        total_return=float(sum(curve[-1] for curve in curves) / float(CAPITAL) - 1.0),
        largest_drawdown=float((1.0 - together / highest).max()),
        trades=trades,
    )
