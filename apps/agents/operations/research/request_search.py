"""Ask for a search: judged now as far as it can be, planned into folds, computed by research workers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.agents.domain.search.walk_forward import Fold
from apps.agents.models import UNDER_WAY, SearchFold, SearchRun
from apps.agents.operations.research.backtest_wishes import asked_terms
from apps.agents.operations.research.request_backtest import check_backtest
from apps.agents.operations.research.search_wishes import search_wish_of
from apps.agents.operations.research.tell_research import call_workers, tell_search_changed
from apps.agents.operations.search_parameters import search_folds, searched_space
from apps.agents.queries.search_views import search_line
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.time_text import utc_text
from apps.market import queries as market
from apps.market.domain import timeframes

MOST_SEARCHES = 20


def request_search(
    *,
    strategy: str,
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
    space: Mapping[str, Sequence[float]] | None = None,
    fixed: Mapping[str, float] | None = None,
    folds: int = 4,
    trials: int = 40,
    objective: str = "sharpe",
    train_tests: float = 3.0,
    gap_bars: int = 50,
    anchored: bool = False,
) -> dict[str, Any]:
    """The waiting search's line. Raises ``Refused`` naming the field, ``Conflict`` where too many are under way."""
    wish: dict[str, Any] = {
        "strategy": strategy,
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
        "space": {name: list(span) for name, span in (space or {}).items()},
        "fixed": dict(fixed or {}),
        "folds": folds,
        "trials": trials,
        "objective": objective,
        "train_tests": train_tests,
        "gap_bars": gap_bars,
        "anchored": anchored,
    }
    dimensions = searched_space(search_wish_of(wish))
    wish["space"] = {one.name: [one.lowest, one.highest] for one in dimensions}  # as declared today
    plan = _plan(wish)
    return search_line(_queued(wish, plan, actor, moment))


@transaction.atomic
def _queued(wish: dict[str, Any], plan: Sequence[Fold], actor: str, moment: Moment) -> SearchRun:
    if SearchRun.objects.filter(state__in=UNDER_WAY).count() >= MOST_SEARCHES:
        told = f"{MOST_SEARCHES} searches are under way already. Cancel some, or wait for them."
        raise Conflict(told, code="too_many_waiting")
    row = SearchRun.objects.create(pk=new_id(), wish=wish, requested_by=actor, requested_at=moment.wall)
    SearchFold.objects.bulk_create(
        SearchFold(
            pk=new_id(),
            search=row,
            queued_at=moment.wall,
            number=fold.number,
            train_from=fold.train_from,
            train_until=fold.train_until,
            test_from=fold.test_from,
            test_until=fold.test_until,
        )
        for fold in plan
    )
    tell_search_changed(row)
    call_workers()
    return row


def _plan(wish: Mapping[str, Any]) -> Sequence[Fold]:
    """The folds. Raises ``Refused`` naming the field for what can't be run."""
    run = {"strategies": [{"name": wish["strategy"], "parameters": wish["fixed"], "timeframe": None}]}
    try:
        check_backtest({**wish, **run, "limits": {}, "resumes_daily": False})
    except Refused as error:
        field = (error.field or "").replace("strategies.0.parameters", "fixed").replace("strategies.0.name", "strategy")
        raise Refused(error.message, code=error.code, field=field or None) from None
    try:
        return search_folds(search_wish_of(wish), *_span(wish))
    except Refused as error:
        told = f"{error.message} {market.more_candles()}{_longer(wish)}"
        raise Refused(told, code=error.code, field=error.field) from None


def _longer(wish: Mapping[str, Any]) -> str:
    """What a period that was chosen leaves out, in a sentence."""
    if not wish["start"] and not wish["end"]:
        return ""
    first, until, bar = _span({**wish, "start": None, "end": None})
    ends = " to ".join(utc_text(timeframes.from_milliseconds(at)) for at in (first, until))
    return f" Or choose a longer period: {(until - first) // bar:,} candles are stored, from {ends}."


def _span(wish: Mapping[str, Any]) -> tuple[int, int, int]:
    """Where all instruments have stored candles, from the wished start up to the wished end: as ``span_of`` has it."""
    bar = timeframes.seconds(wish["timeframe"]) * 1_000
    spans = [s for s in market.candle_spans(symbols=wish["instruments"]) if s.timeframe == wish["timeframe"]]
    first = max(timeframes.to_milliseconds(span.first) for span in spans)
    until = min(timeframes.to_milliseconds(span.last) + bar for span in spans)
    start, end = (_milliseconds(wish[name]) for name in ("start", "end"))
    return max(first, start or first), min(until, end or until), bar


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else timeframes.to_milliseconds(datetime.fromisoformat(text))
