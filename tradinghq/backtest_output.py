"""What a backtest came to, for people, for programs and as files."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from apps.agents.domain.backtest.run_backtest import BacktestResult
from apps.agents.domain.backtest.trading_stop import other_restrictions
from apps.agents.domain.performance.trade_table import TradeTable
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes

PERCENT = {
    "total_return": "return",
    "cagr": "growth a year (CAGR)",
    "volatility": "volatility a year",
    "max_drawdown": "largest drawdown",
    "value_at_risk": "value at risk, day, 95 %",
    "expected_shortfall": "expected shortfall (CVaR)",
}
PLAIN = {
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "calmar": "Calmar",
    "omega": "Omega",
    "longest_drawdown_days": "longest drawdown, days",
}
OWN_PERCENT = {
    "probabilistic_sharpe": "Sharpe above 0, probability",
    "exposure": "time invested",
    "average_invested": "invested on average",
    "excess_return": "return beyond holding",
}
NO_FIGURE = "-"
ORDER_COLUMNS = ("id", "instrument", "side", "quantity", "proposed_at", "state", "why", "filled", "price", "fee", "at")


def as_json(result: BacktestResult, timings: Mapping[str, float]) -> dict[str, Any]:
    """The whole result: metrics, trades, timings and the digest of the orders."""
    return {
        "mode": result.mode,
        "stated": result.stated,
        "metrics": result.report,
        "outcomes": result.outcomes,
        "restrictions": list(result.restrictions),
        "trades": list(trade_rows(result.performance.trades)),
        "timings": dict(timings),
        "digest": result.digest,
    }


def trade_rows(trades: TradeTable) -> Iterator[dict[str, Any]]:
    """One row a closed trade; times as ISO 8601."""
    names = [column.name for column in fields(trades)]
    for values in zip(*(getattr(trades, name).tolist() for name in names), strict=True):
        row = dict(zip(names, values, strict=True))
        yield row | {name: utc_text(timeframes.from_milliseconds(row[name])) for name in ("opened", "closed")}


def table(result: BacktestResult) -> list[str]:
    """The lines that a person reads."""
    report = result.report
    equity, held, trades = report["equity"], report["buy_and_hold"], report["trades"]
    lines = _stop(result)
    lines.append(f"{'':32}{'run':>14}{'buy and hold':>16}")
    lines += [f"{label:32}{_percent(equity[name]):>14}{_percent(held[name]):>16}" for name, label in PERCENT.items()]
    lines += [f"{label:32}{_number(equity[name]):>14}{_number(held[name]):>16}" for name, label in PLAIN.items()]
    lines += [f"{label:32}{_percent(equity[name]):>14}" for name, label in OWN_PERCENT.items()]
    lines.append(f"{'turnover, times the equity':32}{_number(equity['turnover']):>14}")
    lines += [f"{(PERCENT | PLAIN)[name]}: {why}" for name, why in report["untold"].items()]
    lines.append("")
    lines.append(
        f"{trades['trades']} closed trades, {_percent(trades['win_rate'])} won, profit factor "
        f"{_number(trades['profit_factor'])}, expectancy {_number(trades['expectancy'])} each "
        f"({_percent(trades['expectancy_share'])} of its cost), fees {_number(trades['fees'])}."
    )
    lines.append(
        f"While held, prices went {_percent(trades['average_adverse'])} against and "
        f"{_percent(trades['average_favourable'])} for a trade on average (MAE, MFE)."
    )
    lines += _luck(report["luck"]) if "luck" in report else []
    lines += _groups(report["by"])
    lines += ["", f"{'month':24}{'return':>12}{'holding':>12}{'beyond':>12}"]
    lines += [
        f"{month:24}{_percent(row['return']):>12}{_percent(row['buy_and_hold_return']):>12}"
        f"{_percent(row['excess_return']):>12}"
        for month, row in report["months"].items()
    ]
    if result.outcomes:
        lines += ["", "Rounds came to:", *[f"{count:>9}  {name}" for name, count in result.outcomes.items()]]
    model = result.stated.get("model")
    if model and model["saw_these_bars"]:
        told = f"The model {model['digest'][:8]} was trained on bars before {model['unseen_from']}"
        lines += ["", f"{told}: figures of those flatter it. Take --start from there on."]
    if others := other_restrictions(result.restrictions, report):
        lines += ["", "At the end trading was restricted: " + " ".join(others)]
    return lines


def write_trades(path: Path, result: BacktestResult) -> None:
    """The closed trades as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(TradeTable)])
        writer.writeheader()
        writer.writerows(trade_rows(result.performance.trades))


def write_equity(path: Path, result: BacktestResult) -> None:
    """Equity and buy-and-hold at each close as CSV."""
    curve, holding = result.performance.curve, result.performance.holding
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp_ms", "equity", "buy_and_hold"])
        writer.writerows(zip(curve.times.tolist(), curve.values.tolist(), holding.values.tolist(), strict=True))


def write_orders(path: Path, result: BacktestResult) -> None:
    """All orders of a firm's run with their fills, one row a fill, as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ORDER_COLUMNS)
        for order in result.orders:
            head = [order.id.hex, order.symbol, order.side, plain(order.quantity), utc_text(order.proposed_at)]
            head += [str(order.state), order.denial or order.reason]
            fills = [[plain(f.quantity), plain(f.price), plain(f.fee), utc_text(f.at)] for f in order.fills]
            writer.writerows([*head, *fill] for fill in fills or [["", "", "", ""]])


def _stop(result: BacktestResult) -> list[str]:
    """Why the rest of the run may be empty, before its figures, and what to try instead."""
    if "stopped" not in result.report:
        return []
    stopped = result.report["stopped"]
    resumed = "" if result.stated["resumes_daily"] else "--resume-daily assumes that somebody resumes each morning; "
    return [stopped["told"], f"{resumed}--limit max_{stopped['kind']}=SHARE sets another limit.", ""]


def _luck(luck: Mapping[str, Any]) -> Iterator[str]:
    """What chance could have made of the run."""
    yield ""
    days, trades = luck["days"], luck["trades"]
    if days is None:
        yield "Its days are too few, or too equal, to tell luck from skill."
    else:
        sharpe, whole = days["sharpe"], days["total_return"]
        yield (
            f"Without any edge, days like these do as well in {_percent(days['luck_probability'])} of"
            f" {days['samples']:,} drawn histories; as far beyond holding in"
            f" {_percent(days['luck_probability_beyond_holding'])}."
        )
        yield (
            f"Nine of ten have a Sharpe from {_number(sharpe[0])} to {_number(sharpe[1])} and a return from"
            f" {_percent(whole[0])} to {_percent(whole[1])}."
        )
    if trades is None:
        yield "Its closed trades are too few to draw again."
        return
    yield f"{'trades drawn again':32}{'p5':>12}{'p25':>12}{'p50':>12}{'p75':>12}{'p95':>12}"
    for label, name in (
        ("return", "drawn_return"),
        ("largest drawdown", "drawn_drawdown"),
        ("largest drawdown, shuffled", "shuffled_drawdown"),
    ):
        yield f"{label:32}" + "".join(f"{_percent(value):>12}" for value in trades[name].values())
    yield (
        f"{_percent(trades['loss_probability'])} of the drawn histories lose; {_percent(trades['calmer_orders'])} of"
        f" the orders have a drawdown no larger than the {_percent(trades['largest_drawdown'])} that happened."
    )


def _groups(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    for label, rows in groups.items():
        if label == "month" or len(rows) < 1:
            continue
        yield ""
        yield f"{'by ' + label.replace('_', ' '):24}{'trades':>8}{'won':>10}{'profit':>14}{'holding':>12}"
        for name, found in rows.items():
            holding = _percent(found["buy_and_hold_return"]) if "buy_and_hold_return" in found else ""
            won, profit = _percent(found["win_rate"]), _number(found["net_profit"])
            yield f"{name or '-':24}{found['trades']:>8}{won:>10}{profit:>14}{holding:>12}"


def _percent(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value * 100:.2f} %"


def _number(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:,.2f}"
