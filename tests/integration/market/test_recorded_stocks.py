"""A recorded run of stocks: sessions only, nights skipped, splits carried back."""

import gzip
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.market import queries
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.adapters.recorded_provider import RecordedMarket
from apps.market.domain import timeframes
from apps.market.domain.sessions import Sessions
from apps.market.models import CandleGap, Instrument, StoredCandle
from apps.market.queries.sessions import forget_sessions
from tests.integration.market.conftest import release, start
from tests.support.candle_files import write_rows

D = Decimal
FIRST, SPLIT_DAY, LAST = date(2026, 1, 5), date(2026, 2, 9), date(2026, 2, 27)


@pytest.fixture
def folder(tmp_path):
    """Hours of eight weeks of 2026 at 100 dollars, 25 after a split; with trades before the opening bell."""
    sessions = Sessions(ExchangeSessions().sessions("XNYS", FIRST, LAST))
    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    opens = sessions.opens_between(midnight, datetime(2026, 2, 28, tzinfo=UTC), "1h")
    early = [at - timedelta(hours=3) for at in opens if at.hour == 14]
    rows = []
    for place, at in enumerate(sorted({*opens, *early})):
        price = (D(100) if at.date() < SPLIT_DAY else D(25)) + D(place % 10) / 10
        rows.append((timeframes.to_milliseconds(at), price, price + 1, price - 1, price, 1000))
    write_rows(tmp_path / "usstock_AAPL_1h.csv.gz", rows)
    factors = "date,price_factor,split_factor,reference_price\n20260206,1,0.25,100\n20501231,1,1,0\n"
    (tmp_path / "usstock_AAPL_factors.csv.gz").write_bytes(gzip.compress(factors.encode()))
    forget_sessions()
    yield tmp_path
    forget_sessions()


def test_the_split_is_carried_back_and_early_trades_are_left_out(folder):
    market = RecordedMarket(folder, ["AAPL/USD"], [])
    file = market.files["usstock", "AAPL/USD"]
    found = file.between(0, timeframes.to_milliseconds(datetime(2026, 3, 1, tzinfo=UTC)))
    assert max(candle.close for candle in found) < 27
    assert {candle.open_at.hour for candle in found} == set(range(14, 21))
    assert {candle.volume for candle in found if candle.open_at.date() < SPLIT_DAY} == {D(4000)}


def test_without_its_factors_it_is_another_run(folder):
    whole = RecordedMarket(folder, ["AAPL/USD"], []).digest
    (folder / "usstock_AAPL_factors.csv.gz").unlink()
    assert RecordedMarket(folder, ["AAPL/USD"], []).digest != whole


@pytest.mark.django_db(transaction=True)
def test_the_run_goes_from_session_to_session_and_notes_no_night(recorded, folder):
    recorded.RECORDED_DIR, recorded.INSTRUMENTS = str(folder), ["AAPL/USD"]
    start()
    row = Instrument.objects.get(symbol="AAPL/USD")
    assert (row.calendar, row.quote, row.sources) == ("XNYS", "USD", ["usstock"])
    begun = queries.market_clock().bar_at
    times = []
    for _ in range(30):
        assert release() == 1
        times.append(queries.market_clock().bar_at)
    assert {at.hour for at in times} <= set(range(15, 22))
    assert times[-1] - begun > timedelta(days=3)
    assert not CandleGap.objects.filter(found_at__isnull=False).exists()
    closing = next(at for at in times if at.hour == 21)
    held = queries.mark("AAPL/USD", queries.current_moment())
    assert not held.stale
    assert StoredCandle.objects.filter(timeframe="1d", open_at__date=closing.date()).exists()


@pytest.mark.django_db(transaction=True)
def test_at_the_closing_bell_the_mark_is_closed_and_not_stale(recorded, folder):
    recorded.RECORDED_DIR, recorded.INSTRUMENTS = str(folder), ["AAPL/USD"]
    start()
    for _ in range(10):
        release()
        if queries.market_clock().bar_at.hour == 21:
            break
    found = queries.mark("AAPL/USD", queries.current_moment())
    assert (found.closed, found.stale) == (True, False)
    assert found.opens_at > queries.market_clock().bar_at
