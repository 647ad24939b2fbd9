"""A live market of stocks beside coins, over closing bell, night, weekend and opening."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.agents.models import Agent
from apps.agents.operations import seed_agents
from apps.agents.operations.open_rounds import questions_at
from apps.foundation.clock import Moment
from apps.foundation.models import OutboxEvent
from apps.market import operations, queries
from apps.market.adapters import guarded_provider, source_notices
from apps.market.models import Backfill, CandleGap, DataNotice, Instrument, StoredCandle, TradingSession
from apps.market.queries.sessions import forget_sessions
from tests.support.recorded_exchange import RecordedExchange, ccxt_urls
from tests.support.recorded_yahoo import StockWorld

FRIDAY_OPEN = datetime(2026, 3, 6, 14, 30, tzinfo=UTC)
FRIDAY_CLOSE = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
MONDAY_OPEN = datetime(2026, 3, 9, 13, 30, tzinfo=UTC)  # summer time began on Sunday


class Desk:
    """Both worlds, their clock in the test's hand, and the calls of beat."""

    def __init__(self, stocks, coins, at):
        self.stocks, self.coins = stocks, coins
        coins.now = lambda: self.at
        self.go(at)

    def go(self, at):
        self.at = self.stocks.now = at

    @property
    def moment(self):
        return Moment(wall=self.at, firm=self.at)

    def poll(self):
        operations.poll_quotes(moment=self.moment)

    def close(self):
        """The minute's bars, asked for when they had time to come."""
        self.go(self.at + timedelta(seconds=11))
        found = operations.close_candles(moment=self.moment)
        self.go(self.at - timedelta(seconds=11))
        return found

    def minutes(self, count):
        for _ in range(count):
            self.go(self.at + timedelta(minutes=1))
            self.close()

    def mark(self, symbol="AAPL/USD"):
        return queries.mark(symbol, self.moment)


@pytest.fixture
def desk(settings, monkeypatch):
    settings.MARKET, settings.STOCKS = "live", ["AAPL/USD"]
    settings.INSTRUMENTS = ["BTC/USDT", "AAPL/USD"]
    settings.PROVIDERS = ["binance", "yfinance"]
    guarded_provider.breakers.cache_clear()
    settings.HQ_REQUEST_QUOTAS = {"binance": {"weight": 1_000_000}, "yfinance": {"requests": 1_000_000}}
    monkeypatch.setattr("apps.market.adapters.yahoo_provider.FRESH_SECONDS", 0)
    monkeypatch.setattr("apps.market.adapters.yahoo_provider.CLOSED_SECONDS", 0)
    forget_sessions()
    source_notices.take()
    source_notices._known.clear()
    stocks, coins = StockWorld(now=FRIDAY_OPEN + timedelta(hours=2)), RecordedExchange()
    with stocks.serving() as stock_address, coins.serving() as coin_address:
        settings.HQ_STOCK_URLS, settings.HQ_CCXT_URLS = {"yfinance": stock_address}, ccxt_urls(coin_address)
        made = Desk(stocks, coins, FRIDAY_OPEN + timedelta(hours=2))
        monkeypatch.setattr("apps.market.adapters.yahoo_provider.wall_now", lambda: made.at)
        operations.start_market(moment=made.moment)
        made.poll()
        yield made
    forget_sessions()


pytestmark = pytest.mark.django_db


def test_a_stock_is_known_with_its_calendar_and_a_year_of_sessions(desk):
    row = Instrument.objects.get(symbol="AAPL/USD")
    assert (row.quote, row.calendar, row.sources) == ("USD", "XNYS", ["yfinance"])
    assert TradingSession.objects.filter(calendar="XNYS").count() > 500
    assert Instrument.objects.get(symbol="BTC/USDT").calendar == ""
    found = desk.mark()
    assert (found.stale, found.closed) == (False, False)
    snapshot = queries.quote_snapshot("AAPL/USD", desk.moment)
    assert "assumed" in snapshot["assumption"]


def test_a_closed_market_is_not_stale_over_the_weekend_and_stale_when_it_opens_silently(desk):
    desk.go(FRIDAY_CLOSE - timedelta(seconds=5))
    desk.poll()
    last = desk.mark().price
    for later in (timedelta(minutes=5), timedelta(hours=30)):
        desk.go(FRIDAY_CLOSE + later)
        found = desk.mark()
        assert (found.price, found.stale, found.closed, found.opens_at) == (last, False, True, MONDAY_OPEN)
        assert found.reason.startswith("Closed until 2026-03-09 13:30 UTC.")
    assert desk.mark("BTC/USDT").stale  # coins trade on: their silence is old news
    desk.go(MONDAY_OPEN)
    found = desk.mark()
    assert (found.stale, found.closed) == (True, False)
    desk.poll()
    assert not desk.mark().stale


def test_a_price_that_was_old_before_the_close_stays_stale(desk):
    desk.go(FRIDAY_CLOSE + timedelta(hours=1))
    found = desk.mark()
    assert (found.closed, found.stale) == (True, True)


def test_the_clock_goes_on_at_night_without_holes_and_the_night_is_not_asked_for(desk):
    desk.go(FRIDAY_CLOSE - timedelta(minutes=3))
    desk.minutes(8)
    assert queries.market_clock().bar_at == FRIDAY_CLOSE + timedelta(minutes=5)
    assert not CandleGap.objects.exists()
    closes = StoredCandle.objects.filter(instrument="AAPL/USD", timeframe="1m").values_list("open_at", flat=True)
    assert max(closes) == FRIDAY_CLOSE - timedelta(minutes=1)
    desk.stocks.asked.clear()
    desk.minutes(2)
    assert desk.stocks.asked == []


def test_coarser_bars_are_whole_at_the_closing_bell(desk):
    desk.go(FRIDAY_OPEN)
    desk.minutes(30)
    hour = FRIDAY_OPEN.replace(minute=0)
    assert StoredCandle.objects.filter(instrument="AAPL/USD", timeframe="1h", open_at=hour).exists()
    assert queries.resting(["AAPL/USD", "BTC/USDT"], hour, "1h") == set()
    assert queries.resting(["AAPL/USD", "BTC/USDT"], hour, "15m") == {"AAPL/USD"}


def test_a_lost_minute_of_a_session_is_a_hole(desk):
    desk.minutes(2)
    desk.stocks.lost.add(desk.at)
    desk.minutes(3)
    (gap,) = CandleGap.objects.filter(instrument="AAPL/USD")
    assert gap.missing == 1


def test_warming_reaches_back_over_nights_and_weekends(desk):
    desk.go(MONDAY_OPEN + timedelta(minutes=30))
    operations.backfill_windows(moment=desk.moment, bars=60)
    row = Backfill.objects.get(instrument="AAPL/USD", timeframe="1m")
    assert (row.first_open, row.wanted) == (FRIDAY_CLOSE - timedelta(minutes=30), 60)
    for _ in range(60):
        if not operations.continue_backfill(moment=desk.moment):
            break
    found = queries.closed_candles(symbol="AAPL/USD", timeframe="1m", until=desk.at, limit=60)
    assert len(found) == 60
    assert not CandleGap.objects.filter(instrument="AAPL/USD", timeframe="1m").exists()


def test_nobody_is_asked_to_vote_on_a_closed_exchange(desk):
    seed_agents(moment=desk.moment)
    Agent.objects.update(timeframe="1h", instruments=[])
    hours = {"open": FRIDAY_OPEN.replace(hour=16, minute=0), "night": FRIDAY_CLOSE + timedelta(hours=3)}
    asked = {name: [question.symbol for question in questions_at(at)] for name, at in hours.items()}
    assert asked == {"open": ["AAPL/USD", "BTC/USDT"], "night": ["BTC/USDT"]}


def test_a_split_at_the_opening_bell_lets_no_stop_fire_and_waits_for_a_person(desk):
    desk.go(FRIDAY_CLOSE - timedelta(minutes=1))
    desk.poll()
    desk.close()
    desk.go(MONDAY_OPEN + timedelta(seconds=20))
    desk.stocks.splits[int(MONDAY_OPEN.timestamp())] = (4, 1)
    desk.poll()
    found = desk.mark()
    assert found.stale
    assert "A split took effect on 2026-03-09: 4 new shares for 1 old one." in found.reason
    assert queries.paused_reasons(["AAPL/USD"]) == {"AAPL/USD": found.reason}
    assert not StoredCandle.objects.filter(instrument="AAPL/USD", open_at__lt=MONDAY_OPEN).exists()
    assert OutboxEvent.objects.filter(kind="incident.wanted", payload__kind="stock_split").count() == 1
    desk.poll()
    operations.unpause_instrument(symbol="AAPL/USD", actor="ann", reason="Corrected.", moment=desk.moment)
    source_notices._known.clear()  # another process tells it again
    desk.poll()
    assert not desk.mark().stale
    assert queries.paused_reasons(["AAPL/USD"]) == {}


def test_a_split_from_before_the_house_was_started_is_history(desk):
    desk.stocks.splits[int(FRIDAY_OPEN.timestamp())] = (4, 1)
    desk.poll()
    assert not desk.mark().stale


def test_what_was_wrong_is_kept_for_people_to_see(desk):
    desk.stocks.spoiled[desk.at] = Decimal(100)
    desk.minutes(2)
    row = DataNotice.objects.get(instrument="AAPL/USD")
    assert (row.source, row.kind, row.repaired) == ("yfinance", "unit", True)
    closes = StoredCandle.objects.filter(instrument="AAPL/USD", timeframe="1m").values_list("close", flat=True)
    assert max(closes) < 2 * min(closes)
