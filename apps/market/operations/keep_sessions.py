"""Keep the table of sessions ahead of time for every exchange that an instrument keeps hours of."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min

from apps.market import ports
from apps.market.models import Instrument, TradingSession
from apps.market.queries.sessions import AFTER, BEFORE, forget_sessions

_MARGIN = timedelta(days=30)


def keep_sessions(*, first: datetime, last: datetime) -> int:
    """Make the table reach from well before ``first`` to well after ``last``; how many trading days were written.

    Idempotent; asks the calendar only where something is missing. Raises ``Refused`` (``unknown_calendar``).
    """
    begin, end = first - BEFORE, last + AFTER + _MARGIN
    written = 0
    for calendar in sorted(set(Instrument.objects.exclude(calendar="").values_list("calendar", flat=True))):
        known = TradingSession.objects.filter(calendar=calendar).aggregate(first=Min("open_at"), last=Max("open_at"))
        reaches = known["first"] is not None and known["first"] <= begin + _MARGIN and known["last"] >= last + AFTER
        if not reaches:
            written += _write(calendar, begin, end)
    return written


@transaction.atomic
def _write(calendar: str, begin: datetime, end: datetime) -> int:
    found = ports.adapters().calendar().sessions(calendar, begin.date(), end.date())
    rows = [TradingSession(calendar=calendar, open_at=one.open_at, close_at=one.close_at) for one in found]
    TradingSession.objects.bulk_create(
        rows, update_conflicts=True, update_fields=["close_at"], unique_fields=["calendar", "open_at"]
    )
    transaction.on_commit(forget_sessions)
    return len(rows)
