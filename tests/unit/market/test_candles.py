from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apps.market.domain import candles as bars
from apps.market.domain.candles import Candle

START = datetime(2026, 3, 2, tzinfo=UTC)
prices = some.decimals(min_value="0.01", max_value="100000", places=2)
volumes = some.decimals(min_value="0", max_value="1000", places=5)


def candle(minute, opening="10", high="12", low="9", close="11", volume="1", **other):  # noqa: PLR0917
    values = [Decimal(value) for value in (opening, high, low, close, volume)]
    fields = {"symbol": "BTC/USDT", "source": "binance", "timeframe": "1m"} | other
    return Candle(fields["symbol"], fields["source"], fields["timeframe"], START + timedelta(minutes=minute), *values)


@some.composite
def series(draw):
    """Sound one-minute candles at some of the minutes of two hours."""
    found = []
    for minute in sorted(draw(some.sets(some.integers(0, 119), max_size=80))):
        low, high = sorted(draw(some.tuples(prices, prices)))
        inside = some.decimals(min_value=low, max_value=high, places=2)
        found.append(candle(minute, draw(inside), high, low, draw(inside), draw(volumes)))
    return found


def test_five_minutes_make_one_candle():
    parts = [candle(0, "10", "12", "9", "11"), candle(1, "11", "15", "11", "14"), candle(2, "14", "14", "8", "9")]
    parts += [candle(3, "9", "10", "9", "10"), candle(4, "10", "11", "10", "10.5", "3")]
    assert bars.aggregate(parts, "5m") == [
        Candle("BTC/USDT", "binance", "5m", START, Decimal(10), Decimal(15), Decimal(8), Decimal("10.5"), Decimal(7))
    ]


def test_a_bucket_with_a_hole_gives_nothing():
    assert bars.aggregate([candle(minute) for minute in (0, 1, 3, 4)], "5m") == []


def test_a_bucket_that_starts_late_gives_nothing():
    assert bars.aggregate([candle(minute) for minute in range(2, 7)], "5m") == []


def test_sources_are_never_mixed():
    parts = [candle(minute, source="binance" if minute % 2 else "kraken") for minute in range(5)]
    assert bars.aggregate(parts, "5m") == []


@pytest.mark.parametrize("timeframe", ["1m", "3m"])
def test_a_finer_or_uneven_timeframe_is_refused(timeframe):
    parts = [candle(0, timeframe="5m"), candle(5, timeframe="5m")]
    with pytest.raises(ValueError, match="can't be made of 5m candles"):
        bars.merge(parts, timeframe)


@given(series())
def test_what_is_aggregated_is_sound_and_complete(parts):
    by_open = {part.open_at: part for part in parts}
    for made in bars.aggregate(parts, "5m"):
        inside = [by_open[made.open_at + timedelta(minutes=k)] for k in range(5)]
        assert bars.problem(made) is None
        assert made.open == inside[0].open
        assert made.close == inside[-1].close
        assert made.high == max(part.high for part in inside)
        assert made.low == min(part.low for part in inside)
        assert made.volume == sum(part.volume for part in inside)


@given(series())
def test_every_complete_bucket_is_aggregated(parts):
    opens = {part.open_at for part in parts}
    starts = (START + timedelta(minutes=5 * k) for k in range(24))
    complete = [start for start in starts if all(start + timedelta(minutes=k) in opens for k in range(5))]
    assert [made.open_at for made in bars.aggregate(parts, "5m")] == complete


@given(series(), some.randoms())
def test_the_order_of_the_parts_does_not_matter(parts, shuffler):
    mixed = list(parts)
    shuffler.shuffle(mixed)
    assert bars.aggregate(mixed, "15m") == bars.aggregate(parts, "15m")


@given(series())
def test_steps_of_the_ladder_agree_with_one_leap(parts):
    step = bars.aggregate(bars.aggregate(parts, "5m"), "15m")
    leap = bars.aggregate(parts, "15m")
    assert step == leap


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"low": "10.5"}, "must lie between"),
        ({"high": "10.5"}, "must lie between"),
        ({"low": "0", "opening": "0", "close": "0"}, "must be positive"),
        ({"volume": "-1"}, "can't be negative"),
        ({"close": "NaN"}, "not a finite number"),
    ],
)
def test_an_impossible_candle_is_told_why(broken, why):
    assert why in bars.problem(candle(0, **broken))


def test_a_candle_off_the_grid_is_told_so():
    odd = Candle("BTC/USDT", "binance", "5m", START + timedelta(minutes=2), *[Decimal(1)] * 4, Decimal(0))
    assert "no 5m boundary" in bars.problem(odd)
