"""Ask for a backtest on stored candles: judged now as far as it can be, computed by a research worker."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.agents.domain.backtest.cost_bounds import check_costs
from apps.agents.domain.backtest.run_backtest import backtest_mode
from apps.agents.models import BacktestRun, RunState
from apps.agents.operations.research.backtest_wishes import asked_terms, wish_of
from apps.agents.operations.research.tell_research import call_workers, tell_backtest_changed
from apps.agents.queries.backtest_views import backtest_line
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.time_text import utc_text
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.market.domain.instruments import split_symbol

MOST_STRATEGIES = 20
MOST_BACKTEST_INSTRUMENTS = 50
MOST_WAITING = 200


def request_backtest(
    *,
    strategies: Sequence[Mapping[str, Any]],
    actor: str,
    moment: Moment,
    instruments: Sequence[str] = (),
    timeframe: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    starting_capital: Decimal = Decimal(1000),
    fee: Decimal | None = None,
    slippage_bps: Decimal | None = None,
    seed: int = 0,
    mode: str = "auto",
    limits: Mapping[str, Any] | None = None,
    resumes_daily: bool = False,
) -> dict[str, Any]:
    """The waiting run's line. Without instruments the watch list, without a timeframe the market's base.

    Raises ``Refused`` naming the field for what can't be run, ``Conflict`` where too many wait.
    """
    wish = {
        "strategies": [_strategy(place, given) for place, given in enumerate(strategies)],
        **asked_terms(
            instruments=instruments,
            timeframe=timeframe,
            start=start,
            end=end,
            starting_capital=starting_capital,
            fee=fee,
            slippage_bps=slippage_bps,
        ),
        "seed": seed,
        "mode": mode,
        "limits": dict(limits or {}),
        "resumes_daily": resumes_daily,
    }
    check_backtest(wish)
    with transaction.atomic():
        if BacktestRun.objects.filter(state=RunState.QUEUED).count() >= MOST_WAITING:
            told = f"{MOST_WAITING} backtests wait already. Cancel some, or wait for them."
            raise Conflict(told, code="too_many_waiting")
        row = BacktestRun.objects.create(
            pk=new_id(), wish=wish, requested_by=actor, requested_at=moment.wall, queued_at=moment.wall
        )
        tell_backtest_changed(row)
        call_workers()
    return backtest_line(row)


def check_backtest(wish: Mapping[str, Any]) -> None:
    """Raise ``Refused`` naming the field unless ``wish`` can be run on what is stored."""
    symbols, timeframe = wish["instruments"], wish["timeframe"]
    if not 1 <= len(wish["strategies"]) <= MOST_STRATEGIES:
        raise Refused(f"Name 1 to {MOST_STRATEGIES} strategies.", code="required", field="strategies")
    if not 1 <= len(symbols) <= MOST_BACKTEST_INSTRUMENTS:
        raise Refused(f"Name 1 to {MOST_BACKTEST_INSTRUMENTS} instruments.", code="required", field="instruments")
    asked = wish_of(wish)
    check_costs(fee=asked.fee, slippage_bps=asked.slippage_bps)
    for place, strategy in enumerate(wish["strategies"]):
        _check_votes(strategy["timeframe"], timeframe, field=f"strategies.{place}.timeframe")
    currencies = sorted({split_symbol(symbol)[1] for symbol in symbols})
    if len(currencies) > 1:
        told = f"One run is one currency; the instruments are paid in {' and '.join(currencies)}."
        raise Refused(told, code="several_currencies", field="instruments")
    backtest_mode(asked, [timeframe] * len(symbols))
    _check_span(wish)


def _strategy(place: int, given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {"name", "parameters", "timeframe"})
    field = f"strategies.{place}"
    if unknown or not isinstance(given.get("name"), str):
        told = "A strategy is written {name, parameters, timeframe}; only the name must be there."
        raise Refused(told, code="invalid", field=f"{field}.{unknown[0]}" if unknown else f"{field}.name")
    parameters, timeframe = given.get("parameters") or {}, given.get("timeframe")
    if not isinstance(parameters, Mapping):
        raise Refused("parameters is an object of names and numbers.", code="invalid", field=f"{field}.parameters")
    if timeframe is not None and timeframe not in timeframes.SECONDS:
        known = ", ".join(timeframes.SECONDS)
        raise Refused(f"timeframe must be one of {known}.", code="invalid", field=f"{field}.timeframe")
    return {"name": given["name"], "parameters": dict(parameters), "timeframe": timeframe}


def _check_votes(wanted: str | None, base: str, *, field: str) -> None:
    if wanted is not None and (
        timeframes.seconds(wanted) < timeframes.seconds(base) or timeframes.seconds(wanted) % timeframes.seconds(base)
    ):
        raise Refused(f"{wanted} candles can't be made of {base} candles.", code="invalid", field=field)


def _check_span(wish: Mapping[str, Any]) -> None:
    """Candles of every instrument must lie in the span that is traded."""
    start, end = (datetime.fromisoformat(wish[name]) if wish[name] else None for name in ("start", "end"))
    if start and end and start >= end:
        raise Refused("start must lie before end.", code="empty_span", field="start")
    spans = {s.symbol: s for s in market.candle_spans(symbols=wish["instruments"]) if s.timeframe == wish["timeframe"]}
    for symbol in wish["instruments"]:
        if symbol not in spans:
            raise Refused(market.no_candles(symbol, wish["timeframe"]), code="no_candles", field="instruments")
        first, last = spans[symbol].first, spans[symbol].last
        stored = f"candles of {symbol} are stored from {utc_text(first)} to {utc_text(last)}. {market.more_candles()}"
        if start and start > last:
            raise Refused(f"start was {utc_text(start)}; {stored}", code="no_candles", field="start")
        if end and end <= first:
            raise Refused(f"end was {utc_text(end)}; {stored}", code="no_candles", field="end")
