"""A closed market is not stale data: sessions, what they cover, and holes that are none."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.foundation.errors import Refused
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.domain.sessions import Session, Sessions, missing_between


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.fixture(scope="module")
def week():
    """Thanksgiving week of 2026 in New York: closed on Thursday, short on Friday."""
    return Sessions(ExchangeSessions().sessions("XNYS", date(2026, 11, 23), date(2026, 11, 30)))


def test_the_calendar_knows_holidays_and_short_days(week):
    days = ExchangeSessions().sessions("XNYS", date(2026, 11, 23), date(2026, 11, 30))
    assert [session.open_at.day for session in days] == [23, 24, 25, 27, 30]
    assert [session.close_at.hour for session in days] == [21, 21, 21, 18, 21]


def test_summer_time_moves_the_session():
    winter, summer = ExchangeSessions().sessions("XNYS", date(2026, 3, 6), date(2026, 3, 9))
    assert (winter.open_at.hour, summer.open_at.hour) == (14, 13)


def test_an_unknown_exchange_is_refused():
    with pytest.raises(Refused, match="XXXX"):
        ExchangeSessions().sessions("XXXX", date(2026, 11, 23), date(2026, 11, 30))


@pytest.mark.parametrize(
    ("moment", "is_open", "until", "closed_at"),
    [
        (at(23, 14, 29), False, at(23, 14, 30), None),
        (at(23, 14, 30), True, at(23, 21), None),
        (at(23, 20, 59), True, at(23, 21), None),
        (at(23, 21), False, at(24, 14, 30), at(23, 21)),
        (at(26, 16), False, at(27, 14, 30), at(25, 21)),
        (at(27, 18), False, at(30, 14, 30), at(27, 18)),
        (at(30, 22), False, None, at(30, 21)),
    ],
)
def test_it_says_whether_and_until_when(week, moment, is_open, until, closed_at):
    status = week.status(moment)
    assert (status.is_open, status.until, status.closed_at) == (is_open, until, closed_at)


def test_bars_that_touch_a_session_belong_to_it(week):
    hours = week.opens_between(at(23, 0), at(24, 23), "1h")
    assert [opened.hour for opened in hours] == [*range(14, 21), *range(14, 21)]
    assert week.covers(at(23, 14), "1h")
    assert not week.covers(at(23, 14), "15m")
    assert not week.covers(at(26, 0), "1d")
    assert week.opens_between(at(23, 0), at(30, 0), "1d") == [at(day, 0) for day in (23, 24, 25, 27, 30)]
    assert len(week.opens_between(at(27, 0), at(27, 23), "1m")) == 210


def test_it_counts_bars_backwards_over_nights_and_holidays(week):
    assert week.back(at(27, 14, 30), 2, "1m") == at(25, 20, 59)
    assert week.back(at(30, 0), 3, "1d") == at(25, 0)
    assert week.back(at(23, 15), 500, "1m") == at(23, 14, 30)


def test_a_night_is_no_hole_and_a_missing_minute_is(week):
    opens = [at(23, 20, 58), at(23, 20, 59), at(24, 14, 30), at(24, 14, 33)]
    assert missing_between(opens, "1m", week) == [(at(24, 14, 31), at(24, 14, 32), 2)]
    assert missing_between(opens, "1m", None)[0] == (at(23, 21), at(24, 14, 29), 1050)


def test_no_sessions_mean_closed_without_an_end():
    empty = Sessions([])
    assert empty.status(at(23, 15)).until is None
    assert empty.back(at(23, 15), 5, "1m") == at(23, 15)
    assert not empty.covers(at(23, 15), "1m")
    assert len(Sessions([Session(at(1, 1), at(1, 1) + timedelta(hours=1))])) == 1
