"""Try many pairs of windows of the crossing on one series: what each would have come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.agents.domain.backtest.cost_bounds import check_costs
from apps.agents.domain.backtest.signal_backtest import Costs, sweep_crossings
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import build_strategy
from apps.foundation.errors import Refused
from apps.market.domain.candle_columns import CandleColumns
from apps.trading.domain.venues.paper_terms import terms_of

STRATEGY = "sma_cross"
MOST_PAIRS = 100_000


@dataclass(frozen=True, slots=True)
class SweptPair:
    """Shares; ``trades`` are closed ones."""

    fast: int
    slow: int
    total_return: float
    max_drawdown: float
    trades: int


def sweep_windows(
    *,
    columns: CandleColumns,
    fast: Sequence[int],
    slow: Sequence[int],
    fee: Decimal | None = None,
    slippage_bps: Decimal = Decimal(0),
    capital: Decimal = Decimal(1000),
) -> list[SweptPair]:
    """Every pair with the fast window below the slow one, best return first. Raises ``Refused`` naming the field."""
    check_costs(fee=fee, slippage_bps=slippage_bps)
    pairs = [(one, other) for other in slow for one in fast if one < other]
    if not pairs or len(pairs) > MOST_PAIRS:
        told = f"{len(pairs)} pairs have a fast window below the slow one; there must be 1 to {MOST_PAIRS:,}."
        raise Refused(told, code="no_pairs", field="fast")
    share = fee if fee is not None else terms_of(columns.symbol).side_fee_bps / 10_000
    try:
        for pair in pairs:
            build_strategy(STRATEGY, {"fast": pair[0], "slow": pair[1]})
        costs = Costs(float(share), float(slippage_bps) / 10_000.0)
        found = sweep_crossings(columns, pairs, costs=costs, capital=float(capital))
    except ParameterError as error:
        raise Refused(error.message, code="invalid_parameter", field=error.field) from error
    except ValueError as error:
        raise Refused(str(error), code="no_run") from error
    rows = zip(pairs, found.total_return.tolist(), found.max_drawdown.tolist(), found.trades.tolist(), strict=True)
    swept = [SweptPair(*pair, *figures) for pair, *figures in rows]
    return sorted(swept, key=lambda each: (-each.total_return, each.fast, each.slow))
