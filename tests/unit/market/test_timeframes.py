from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.market.domain import timeframes


def test_a_bar_boundary_is_floored_on_the_utc_grid():
    at = datetime(2026, 3, 2, 13, 44, 59, tzinfo=UTC)
    assert timeframes.floor_time(at, "5m") == datetime(2026, 3, 2, 13, 40, tzinfo=UTC)
    assert timeframes.floor_time(at, "4h") == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert timeframes.floor_time(at, "1d") == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_time_of_another_zone_is_floored_in_utc():
    at = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert timeframes.floor_time(at, "1d") == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_boundary_stays_where_it_is():
    at = datetime(2026, 3, 2, 13, 45, tzinfo=UTC)
    assert timeframes.is_boundary(at, "15m")
    assert not timeframes.is_boundary(at, "1h")


def test_an_unknown_timeframe_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'7m' is no timeframe; known are 1m, 3m"):
        timeframes.seconds("7m")


def test_only_multiples_of_the_base_are_stored():
    assert timeframes.stored_from("5m") == ("5m", "15m", "1h", "4h", "1d")
    assert timeframes.stored_from("30m") == ("30m", "1h", "4h", "1d")
    assert timeframes.stored_from("1d") == ("1d",)


def test_milliseconds_go_there_and_back():
    at = datetime(2026, 3, 2, 13, 44, 59, 123000, tzinfo=UTC)
    assert timeframes.from_milliseconds(timeframes.to_milliseconds(at)) == at
