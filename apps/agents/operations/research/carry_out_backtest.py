"""A stored backtest: computed by the same function as the command's, then kept."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.domain.backtest.run_backtest import BacktestResult, run_backtest
from apps.agents.domain.backtest.strategy_views import Progress
from apps.agents.domain.performance.luck_report import luck_report
from apps.agents.domain.performance.thinned_curve import thinned_curve
from apps.agents.domain.performance.trade_table import TradeTable
from apps.agents.models import BacktestRun, BacktestTrade, RunState
from apps.agents.operations.load_model import shipped_model
from apps.agents.operations.research.backtest_wishes import stored_candles, wish_of
from apps.agents.operations.research.tell_research import tell_backtest_changed
from apps.agents.operations.research.work_claims import Claim
from apps.foundation.clock import Moment
from apps.market.domain import timeframes

CURVE_POINTS = 1_200
TRADES_AT_ONCE = 2_000
Told = Callable[[float, str], None]  # share done, what is being done


def compute_backtest(*, work_id: UUID, told: Told) -> BacktestResult:
    """Read the candles and run. Raises what ``run_backtest`` and the market's candles raise."""
    wish = BacktestRun.objects.values_list("wish", flat=True).get(pk=work_id)
    told(0.0, f"Reading the candles of {len(wish['instruments'])} instruments.")
    end = datetime.fromisoformat(wish["end"]) if wish["end"] else None
    given = stored_candles(symbols=wish["instruments"], timeframe=wish["timeframe"], end=end)
    result = run_backtest(
        wish=wish_of(wish), series=given.series, rules=given.rules, model=shipped_model, progress=_bars(told)
    )
    told(1.0, "Drawing its days and trades again.")
    result.report["luck"] = luck_report(result.performance, seed=wish["seed"])
    return result


@transaction.atomic
def keep_backtest(*, claim: Claim, result: BacktestResult, seconds: float, moment: Moment) -> bool:
    """Store the result and end the run; False, and nothing stored, where the claim is gone."""
    performance = result.performance
    ended = BacktestRun.objects.filter(pk=claim.id, state=RunState.RUNNING, claim=claim.token).update(
        state=RunState.DONE,
        claim=None,
        progress=1.0,
        step="",
        ended_at=moment.wall,
        seconds=seconds,
        mode=result.mode,
        stated=result.stated,
        metrics=result.report,
        outcomes=result.outcomes,
        restrictions=list(result.restrictions),
        curve=thinned_curve(performance.curve, performance.holding, most=CURVE_POINTS),
        trade_count=len(performance.trades),
        digest=result.digest,
    )
    if not ended:
        return False
    row = BacktestRun.objects.get(pk=claim.id)
    BacktestTrade.objects.bulk_create(_trades(row, performance.trades), batch_size=TRADES_AT_ONCE)
    tell_backtest_changed(row)
    return True


def _bars(told: Told) -> Progress:
    def progress(done: int, whole: int) -> None:
        told(done / whole, f"Bar {done:,} of {whole:,}.")

    return progress


def _trades(row: BacktestRun, trades: TradeTable) -> Iterator[BacktestTrade]:
    names = [column.name for column in fields(trades) if column.name not in {"symbol", "opened", "closed"}]
    columns = {name: getattr(trades, name).tolist() for name in names}
    for place in range(len(trades)):
        yield BacktestTrade(
            run=row,
            number=place + 1,
            symbol=str(trades.symbol[place]),
            opened_at=timeframes.from_milliseconds(int(trades.opened[place])),
            closed_at=timeframes.from_milliseconds(int(trades.closed[place])),
            figures=_figures(columns, place),
        )


def _figures(columns: dict[str, list[Any]], place: int) -> dict[str, Any]:
    return {name: values[place] for name, values in columns.items()}
