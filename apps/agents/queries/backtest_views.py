"""Stored backtests as the API and the screens show them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.agents.domain.strategies.registry import strategy_names
from apps.agents.domain.tear_sheet.tear_sheet import tear_sheet
from apps.agents.models import BacktestRun, BacktestTrade, RunState
from apps.foundation.errors import Conflict, NotFound
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.market import queries as market

TRADES_SHOWN = 500
MONEY = ("quantity", "entry", "exit", "fees", "profit")
HEADLINE = ("total_return", "cagr", "sharpe", "max_drawdown", "excess_return")


def found_backtest(run_id: UUID) -> BacktestRun:
    """The run's row; ``NotFound`` with code ``unknown_backtest``."""
    row = BacktestRun.objects.filter(pk=run_id).first()
    if row is None:
        raise NotFound(f"There is no backtest {run_id}.", code="unknown_backtest")
    return row


def backtest_line(row: BacktestRun) -> dict[str, Any]:
    """One run as a row of the list and as a live frame; ``headline`` only of a finished one."""
    return {
        "id": str(row.pk),
        "state": row.state,
        "progress": row.progress,
        "step": row.step,
        "problem": row.problem,
        "tries": row.tries,
        "wish": row.wish,
        "requested_by": row.requested_by,
        "requested_at": utc_text(row.requested_at),
        "started_at": utc_text(row.started_at),
        "ended_at": utc_text(row.ended_at),
        "seconds": row.seconds,
        "mode": row.mode,
        "trade_count": row.trade_count,
        "digest": row.digest,
        "headline": _headline(row.metrics) if row.metrics else None,
    }


def backtest_line_of(run_id: UUID | str) -> dict[str, Any]:
    """``backtest_line`` by identifier. Raises ``NotFound``."""
    return backtest_line(found_backtest(UUID(str(run_id))))


def backtest_view(run_id: UUID) -> dict[str, Any]:
    """The whole run: figures, curve, and the first trades (all of them: ``backtest_trades``)."""
    row = found_backtest(run_id)
    return backtest_line(row) | {
        "stated": row.stated,
        "metrics": row.metrics or None,
        "outcomes": row.outcomes,
        "restrictions": row.restrictions,
        "equity": [
            {"at": at, "equity": _text(equity), "buy_and_hold": _text(held), "drawdown": drawdown}
            for at, equity, held, drawdown in row.curve
        ],
        "trades": [trade_view(trade) for trade in backtest_trades(run_id)[:TRADES_SHOWN]],
    }


def backtest_trades(run_id: UUID) -> QuerySet[BacktestTrade]:
    """The closed trades, in the order of closing."""
    return BacktestTrade.objects.filter(run_id=run_id).order_by("number")


def trade_view(trade: BacktestTrade) -> dict[str, Any]:
    """One closed trade; money and quantities as text, as everywhere."""
    return {
        "number": trade.number,
        "instrument": trade.symbol,
        "opened_at": utc_text(trade.opened_at),
        "closed_at": utc_text(trade.closed_at),
        **{name: _text(value) if name in MONEY else value for name, value in trade.figures.items()},
    }


def backtest_lines(rows: Sequence[BacktestRun]) -> list[dict[str, Any]]:
    """Several rows of the list."""
    return [backtest_line(row) for row in rows]


def all_backtests() -> QuerySet[BacktestRun]:
    """Every run, without what only its own page shows."""
    return BacktestRun.objects.defer("curve", "stated", "outcomes", "restrictions")


def recent_backtests(limit: int) -> list[dict[str, Any]]:
    """The newest runs."""
    return backtest_lines(list(all_backtests().order_by("-requested_at", "-pk")[:limit]))


def backtest_report(run_id: UUID) -> str:
    """The tear sheet, an HTML page. Raises ``NotFound``, and ``Conflict`` (``not_done``) while there is none."""
    view = backtest_view(run_id)
    if view["state"] != RunState.DONE:
        raise Conflict(f"This backtest is {view['state']}: only one that is DONE has a report.", code="not_done")
    return tear_sheet(view)


def backtest_choices() -> dict[str, Any]:
    """What a backtest can be asked for here: stored candles by instrument and timeframe, and the strategies."""
    spans = market.candle_spans(symbols=market.watched_symbols())
    return {
        "base_timeframe": market.market_clock().base_timeframe,
        "candles": [
            {
                "instrument": span.symbol,
                "timeframe": span.timeframe,
                "first": utc_text(span.first),
                "last": utc_text(span.last),
            }
            for span in spans
        ],
        "strategies": list(strategy_names()),
    }


def _text(value: float) -> str:
    return str(plain(Decimal(repr(value))))


def _headline(metrics: dict[str, Any]) -> dict[str, Any]:
    figures = {name: metrics["equity"][name] for name in HEADLINE}
    figures["cagr_untold"] = metrics.get("untold", {}).get("cagr")  # runs of before it was told have no word about it
    return figures | {"trades": metrics["trades"]["trades"], "win_rate": metrics["trades"]["win_rate"]}
