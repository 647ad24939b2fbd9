"""Sessions of the exchanges that watched instruments keep, from the table that the calendar fills."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from apps.market.domain.instruments import STOCK_CURRENCY
from apps.market.domain.sessions import Session, Sessions, SessionStatus
from apps.market.models import Instrument, TradingSession

BEFORE, AFTER = timedelta(days=800), timedelta(days=60)
_kept: dict[tuple[str, date], Sessions] = {}  # a day's look at a calendar; it changes once a day
_LARGEST = 16


def sessions_of(calendar: str, around: datetime) -> Sessions:
    """The trading days from 800 days before this moment to 60 days after; empty while the calendar is not known."""
    key = (calendar, around.astimezone(UTC).date())
    found = _kept.get(key)
    if found is None:
        day = datetime(key[1].year, key[1].month, key[1].day, tzinfo=UTC)
        rows = TradingSession.objects.filter(
            calendar=calendar, open_at__gte=day - BEFORE, open_at__lte=day + AFTER
        ).values_list("open_at", "close_at")
        found = Sessions(Session(*row) for row in rows)
        if len(found):
            if len(_kept) >= _LARGEST:
                _kept.clear()
            _kept[key] = found
    return found


def forget_sessions() -> None:
    """Read the table again at the next question: it was written."""
    _kept.clear()


def calendars(symbols: Iterable[str]) -> dict[str, str]:
    """The calendar of those of ``symbols`` that keep one. Only what is quoted in dollars can: others cost no read."""
    asked = [symbol for symbol in symbols if symbol.endswith(f"/{STOCK_CURRENCY}")]
    if not asked:
        return {}
    rows = Instrument.objects.filter(symbol__in=asked).exclude(calendar="")
    return dict(rows.values_list("symbol", "calendar"))


def split_notes(symbols: Iterable[str]) -> dict[str, str]:
    """What is to be told of those of ``symbols`` whose split nobody has looked at yet."""
    asked = [symbol for symbol in symbols if symbol.endswith(f"/{STOCK_CURRENCY}")]
    if not asked:
        return {}
    rows = Instrument.objects.filter(symbol__in=asked, split_note__isnull=False)
    return {symbol: note or "" for symbol, note in rows.values_list("symbol", "split_note")}


def sessions_by_symbol(symbols: Iterable[str], around: datetime) -> dict[str, Sessions]:
    """The sessions of those of ``symbols`` that keep a calendar."""
    return {symbol: sessions_of(calendar, around) for symbol, calendar in calendars(symbols).items()}


def session_status(symbol: str, at: datetime) -> SessionStatus | None:
    """Whether the instrument's exchange is open and until when; None for what trades at all hours."""
    found = sessions_by_symbol([symbol], at).get(symbol)
    return None if found is None else found.status(at)


def closed_instruments(symbols: Iterable[str], at: datetime) -> dict[str, datetime | None]:
    """Those of ``symbols`` whose exchange is closed at this moment, with the time it opens again where known."""
    found = {symbol: sessions.status(at) for symbol, sessions in sessions_by_symbol(symbols, at).items()}
    return {symbol: status.until for symbol, status in found.items() if not status.is_open}


def resting(symbols: Iterable[str], open_at: datetime, timeframe: str) -> set[str]:
    """Those of ``symbols`` that have no bar then because no session covers it."""
    found = sessions_by_symbol(symbols, open_at)
    return {symbol for symbol, sessions in found.items() if not sessions.covers(open_at, timeframe)}
