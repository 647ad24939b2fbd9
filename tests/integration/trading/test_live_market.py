"""On a live market the paper exchange and the guard look at fresh quotes only, never at stale ones."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.clock import Moment, wall_now
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.domain.quotes import Quote
from apps.market.models import MarketClock, StoredCandle
from apps.trading.models import Cursor, EquitySnapshot, Fill
from tests.support.staged_market import PRICES, RULES, SOURCE
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


class LiveDesk:
    """The same desk after its market went live: the firm's clock is the wall clock, prices come as quotes."""

    def __init__(self):
        self.desk = open_desk()
        # The next full minute: a request sent "now" must not be past its life on the database's clock.
        self.start = timeframes.floor_time(wall_now(), "1m") + timedelta(minutes=1)
        MarketClock.objects.update(kind="live", bar_at=self.start, released_at=None)
        StoredCandle.objects.all().delete()
        for symbol, price in PRICES.items():
            self.candle(symbol, price, volume=1000)
        self.desk.market.bar_at = self.start
        self.quote()

    def candle(self, symbol, price, *, volume):
        prices = dict.fromkeys(("open", "high", "low", "close"), price)
        opened = self.start - timedelta(minutes=1)
        StoredCandle.objects.update_or_create(
            instrument_id=symbol, source=SOURCE, timeframe="1m", open_at=opened, defaults={**prices, "volume": volume}
        )

    def quote(self, price=50_000, *, after: float = 0.0):
        """Quotes of all instruments received ``after`` seconds after the start."""
        at = self.start + timedelta(seconds=after)
        middles = {**PRICES, "BTC/USDT": D(price)}
        ports.adapters().board.put(
            [
                Quote(
                    symbol=symbol,
                    source=SOURCE,
                    bid=middles[symbol] * D("0.9999"),
                    ask=middles[symbol] * D("1.0001"),
                    last=middles[symbol],
                    event_at=at,
                    received_at=at,
                    market="live",
                )
                for symbol in RULES
            ]
        )

    def at(self, after: float) -> Moment:
        now = self.start + timedelta(seconds=after)
        return Moment(wall=now, firm=now)


@pytest.fixture
def live(clean_redis, monkeypatch):
    stage = LiveDesk()
    now = {"after": 0.0}
    stage.now = now
    monkeypatch.setattr(stage.desk, "moment", lambda *, later=0: stage.at(now["after"] + later))
    return stage


def test_a_market_order_takes_the_ask_of_a_quote_that_came_after_its_latency(live):
    desk = live.desk
    order_id = desk.propose()
    live.now["after"] = 1.0
    desk.send(order_id)
    desk.match()
    assert not Fill.objects.exists(), "filled on a quote from before the order"
    live.quote(50_100, after=1.1)
    live.now["after"] = 1.2
    desk.match()
    assert not Fill.objects.exists(), "filled faster than the stated latency"
    live.quote(50_100, after=2.0)
    live.now["after"] = 2.1
    desk.match()
    fill = Fill.objects.get()
    assert fill.price > D(50_100) * D("1.0001")
    assert fill.traded_firm == live.at(2.1).firm
    assert desk.order(order_id).state == "FILLED"
    desk.assert_books_balance()


def test_a_silent_feed_fills_nothing(live):
    desk = live.desk
    order_id = desk.propose()
    desk.send(order_id)
    live.quote(50_000, after=1.0)
    live.now["after"] = 40.0
    desk.match()
    assert desk.order(order_id).state == "ACCEPTED"
    live.quote(50_000, after=41.0)
    live.now["after"] = 42.0
    desk.match()
    assert desk.order(order_id).state == "FILLED"


def test_one_minute_gives_one_share_of_volume_however_often_it_is_quoted(live):
    desk = live.desk
    live.candle("BTC/USDT", D(50_000), volume=D("0.02"))
    order_id = desk.propose()
    desk.send(order_id)
    for second in range(2, 12):
        live.now["after"] = float(second)
        live.quote(50_000, after=second)
        desk.match()
    assert desk.order(order_id).filled_quantity == D("0.002")


def test_the_guard_fires_at_the_live_mark_and_not_at_a_stale_one(live):
    desk = live.desk
    desk.send(desk.propose())
    live.quote(50_000, after=2.0)
    live.now["after"] = 2.0
    desk.match()
    desk.guard()
    stop_price = desk.stops()[0].stop_price
    assert EquitySnapshot.objects.filter(at_firm=live.start).count() == 1
    assert Cursor.objects.get(name="guard").through == live.start
    live.quote(stop_price - 50, after=3.0)
    live.now["after"] = 40.0
    desk.guard()
    assert desk.stops()[0].state == "ARMED"
    assert desk.stops()[0].triggered_firm is None
    live.quote(stop_price - 50, after=41.0)
    live.now["after"] = 41.0
    desk.guard()
    desk.sweep()
    live.quote(stop_price - 60, after=43.0)
    live.now["after"] = 43.0
    desk.match()
    assert [stop.state for stop in desk.stops()] == ["FILLED"]
    assert desk.position().quantity == 0
    desk.assert_books_balance()
