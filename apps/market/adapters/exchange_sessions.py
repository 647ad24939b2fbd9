"""The exchanges' own calendars, holidays and early closes included, from the library exchange_calendars.

Loaded on first use, by the one process that fills the table of sessions: the library brings pandas along.
"""

from datetime import UTC, date
from functools import lru_cache

from apps.foundation.errors import Refused
from apps.market.domain.sessions import Session


class ExchangeSessions:
    """Implements ``SessionCalendar``."""

    def sessions(self, calendar: str, first: date, last: date) -> list[Session]:
        """The trading days of an exchange (its ISO 10383 code, such as XNYS) from ``first`` to ``last``.

        Raises ``Refused`` (``unknown_calendar``) for an exchange that the library does not know.
        """
        years = _years(calendar, first.year, last.year)
        return [session for session in years if first <= session.open_at.date() <= last]


@lru_cache(maxsize=32)
def _years(calendar: str, first: int, last: int) -> tuple[Session, ...]:
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName

    try:
        known = exchange_calendars.get_calendar(calendar, start=f"{first}-01-01", end=f"{last}-12-31")
    except InvalidCalendarName as error:
        raise Refused(f"No calendar is known for the exchange {calendar!r}.", code="unknown_calendar") from error
    return tuple(
        Session(row.open.to_pydatetime().astimezone(UTC), row.close.to_pydatetime().astimezone(UTC))
        for row in known.schedule.itertuples()
    )
