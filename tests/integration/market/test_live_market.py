"""A live market against a local server that answers as the exchanges do, through the real ccxt classes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from apps.foundation import live_updates
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.models import OutboxEvent
from apps.market import operations, queries
from apps.market.adapters import guarded_provider
from apps.market.domain import timeframes
from apps.market.models import Backfill, CandleGap, MarketClock, Provider, StoredCandle
from tests.support.recorded_exchange import RecordedExchange, ccxt_urls

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Desk:
    """The exchange's world, its clock in the test's hand, and the calls of beat."""

    def __init__(self, world):
        self.world, self.at = world, NOON
        world.now = lambda: self.at

    @property
    def moment(self):
        return Moment(wall=self.at, firm=self.at)

    def pass_by(self, **time):
        self.at += timedelta(**time)

    def start(self):
        return operations.start_market(moment=self.moment)

    def poll(self):
        return operations.poll_quotes(moment=self.moment)

    def close(self):
        return operations.close_candles(moment=self.moment)

    def mark(self, symbol="BTC/USDT"):
        return queries.mark(symbol, self.moment)


@pytest.fixture(scope="module")
def served():
    world = RecordedExchange()
    with world.serving() as address:
        yield world, address


@pytest.fixture
def desk(served, settings):
    world, address = served
    settings.MARKET, settings.INSTRUMENTS = "live", ["BTC/USDT", "ETH/USDT"]
    settings.PROVIDERS, settings.HQ_CCXT_URLS = ["binance", "kraken", "coinbase"], ccxt_urls(address)
    guarded_provider.breakers.cache_clear()
    world.faults.clear()
    world.lost_bars.clear()
    return Desk(world)


@pytest.fixture
def unlimited(settings):
    much = 1_000_000
    settings.HQ_REQUEST_QUOTAS = {"binance": {"weight": much}, "kraken": {"public": much}, "coinbase": {"pace": much}}


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


def test_it_waits_for_the_first_price_without_asking_anybody(desk):
    desk.world.asked.clear()
    clock = desk.start()
    assert (clock.state, clock.bar_at, clock.kind) == ("warming", None, "live")
    assert "Waiting for the first price of binance, kraken, coinbase" in clock.message
    assert desk.mark().price is None
    assert desk.world.asked == []


def test_a_poll_gives_marks_of_all_sources_rules_and_a_running_market(desk):
    desk.start()
    assert desk.poll() == 6
    found = desk.mark()
    assert found.sources == ("binance", "kraken", "coinbase")
    assert (found.stale, found.diverging) == (False, False)
    assert queries.market_clock().state == "running"
    rules = queries.instrument_rules("BTC/USDT")
    assert (rules.tick_size, rules.step_size, rules.min_notional, rules.assumed) == (
        Decimal("0.01"),
        Decimal("0.00001"),
        5,
        (),
    )
    assert queries.listed_sources("BTC/USDT") == ["binance", "kraken", "coinbase"]
    assert {row.state for row in Provider.objects.all()} == {"healthy"}


def test_a_dead_provider_is_a_notice_and_not_a_stop(desk):
    desk.world.faults["kraken"] = "down"
    desk.start()
    assert desk.poll() == 4
    assert desk.mark().sources == ("binance", "coinbase")
    row = Provider.objects.get(name="kraken")
    assert (row.state, row.failures) == ("down", 1)
    assert "ExchangeNotAvailable" in row.message


def test_without_any_provider_it_says_so_and_has_no_price(desk):
    desk.world.faults |= dict.fromkeys(("binance", "kraken", "coinbase"), "reset")
    desk.start()
    assert desk.poll() == 0
    clock = queries.market_clock()
    assert clock.state == "no_source"
    assert clock.message.startswith("No price source can be reached, so nothing is traded. binance: ")
    found = desk.mark()
    assert (found.price, found.stale) == (None, True)
    assert found.reason == clock.message
    assert OutboxEvent.objects.filter(kind="system.changed").count() == 1


def test_the_market_comes_back_when_a_provider_does(desk):
    desk.world.faults |= dict.fromkeys(("binance", "kraken", "coinbase"), "html")
    desk.start()
    desk.poll()
    desk.world.faults = {"binance": "html", "kraken": "html"}
    desk.pass_by(seconds=5)
    desk.poll()
    clock = queries.market_clock()
    assert (clock.state, clock.message, clock.primary_source) == ("running", "", "coinbase")
    assert not desk.mark().stale


def test_a_silent_market_is_stale_by_the_wall_clock(desk):
    desk.start()
    desk.poll()
    price = desk.mark().price
    desk.pass_by(seconds=21)
    found = desk.mark()
    assert (found.stale, found.price) == (True, price)
    assert "silent for 21 s" in found.reason


def test_the_lead_changes_after_three_failures_and_returns_only_after_a_healthy_minute(desk):
    desk.start()
    desk.poll()
    desk.world.faults["binance"] = "down"
    leads = []
    for _ in range(3):
        desk.pass_by(seconds=5)
        desk.poll()
        leads.append(queries.market_clock().primary_source)
    assert leads == ["binance", "binance", "kraken"]
    guarded_provider.redis_pool.client().flushdb()  # the breaker's 30 s, which pass on the real clock
    desk.world.faults.clear()
    for _ in range(13):
        leads.append(queries.market_clock().primary_source)
        desk.pass_by(seconds=5)
        desk.poll()
    assert set(leads[2:]) == {"kraken"}
    assert queries.market_clock().primary_source == "binance"


def test_a_closed_minute_moves_the_clock_once_and_is_stored_for_every_source(desk):
    desk.start()
    desk.poll()
    desk.pass_by(seconds=61)
    assert desk.close() == NOON + MINUTE
    assert desk.close() is None
    assert queries.market_clock().bar_at == NOON + MINUTE
    stored = StoredCandle.objects.filter(timeframe="1m", open_at=NOON, instrument="BTC/USDT")
    assert sorted(stored.values_list("source", flat=True)) == ["binance", "coinbase", "kraken"]
    latest = queries.closed_candles(symbol="BTC/USDT", timeframe="1m", until=desk.at, limit=1)
    assert (latest[0].source, latest[0].open_at) == ("binance", NOON)


def test_an_open_bar_is_never_stored(desk):
    desk.start()
    desk.poll()
    desk.pass_by(seconds=95)
    desk.close()
    assert not StoredCandle.objects.filter(open_at__gte=NOON + MINUTE).exists()


def test_minutes_missed_while_away_are_caught_up_with_what_they_complete(desk):
    desk.start()
    desk.poll()
    desk.pass_by(seconds=61)
    desk.close()
    desk.pass_by(minutes=10)
    desk.poll()
    assert desk.close() == NOON + 11 * MINUTE
    ones = queries.bars_of(symbols=["ETH/USDT"], after=NOON, until=desk.at, base="1m")
    assert [candle.open_at for candle in ones] == [NOON + k * MINUTE for k in range(11)]
    fives = queries.closed_candles(symbol="ETH/USDT", timeframe="5m", until=desk.at, limit=9)
    assert [candle.open_at for candle in fives[-2:]] == [NOON, NOON + 5 * MINUTE]


def test_a_bar_that_the_leader_has_not_shown_yet_is_waited_for_ten_seconds(desk):
    desk.start()
    desk.poll()
    desk.world.lost_bars.add(("binance", "BTC/USDT", NOON))
    desk.pass_by(seconds=62)
    assert desk.close() is None
    desk.world.lost_bars.clear()
    desk.pass_by(seconds=1)
    assert desk.close() == NOON + MINUTE
    assert not CandleGap.objects.exists()


def test_a_bar_that_never_comes_is_recorded_as_a_hole(desk):
    desk.start()
    desk.poll()
    desk.world.lost_bars.add(("binance", "BTC/USDT", NOON))
    desk.pass_by(seconds=71)
    assert desk.close() == NOON + MINUTE
    hole = CandleGap.objects.get()
    assert (hole.instrument_id, hole.source, hole.first_open, hole.missing) == ("BTC/USDT", "binance", NOON, 1)


def test_the_clock_does_not_move_when_nobody_answers(desk):
    desk.start()
    desk.poll()
    desk.world.faults |= dict.fromkeys(("binance", "kraken", "coinbase"), "down")
    desk.pass_by(seconds=75)
    assert desk.close() is None
    assert queries.market_clock().bar_at is None


def test_only_one_caller_fetches_and_a_dead_one_is_replaced(desk):
    desk.start()
    desk.poll()
    desk.pass_by(seconds=61)
    MarketClock.objects.update(closing_until=desk.at + timedelta(seconds=5))
    assert desk.close() is None
    desk.pass_by(seconds=6)
    assert desk.close() == NOON + MINUTE


def test_windows_are_planned_once_fetched_page_by_page_and_resumed(desk):
    desk.start()
    desk.poll()
    planned = operations.backfill_windows(moment=desk.moment, bars=400)
    assert len(planned) == 2 * len(timeframes.stored_from("1m"))
    assert operations.backfill_windows(moment=desk.moment, bars=400) == []
    assert operations.continue_backfill(moment=desk.moment)
    first = Backfill.objects.get(stored__gt=0)
    assert (first.timeframe, first.stored, first.state) == ("1m", 300, "queued")
    while operations.continue_backfill(moment=desk.moment):
        pass
    states = dict(Backfill.objects.values_list("timeframe", "state"))
    assert (states["1m"], states["5m"], states["1h"]) == ("done", "done", "done")
    window = queries.closed_candles(symbol="BTC/USDT", timeframe="15m", until=desk.at, limit=1_000)
    assert len(window) == 400
    assert window[-1].close_at == NOON
    assert queries.backfill_view(Backfill.objects.get(id=first.id))["progress"] == 1.0


def test_who_misses_candles_is_told_what_there_is_and_where_to_fetch_more(desk):
    desk.start()
    desk.poll()
    assert queries.no_candles("BTC/USDT", "1d").startswith(
        "No 1d candles of BTC/USDT are stored here. Fetch what is missing: Fetch candles on the page Research, or POST"
    )
    desk.pass_by(seconds=61)
    desk.close()
    assert "are stored here; there are 1m. Fetch" in queries.no_candles("BTC/USDT", "1d")


def test_a_backfill_waits_out_an_outage_and_goes_on(desk):
    desk.start()
    desk.poll()
    operations.backfill_windows(moment=desk.moment, bars=400)
    operations.continue_backfill(moment=desk.moment)
    desk.world.faults["binance"] = "down"
    assert not operations.continue_backfill(moment=desk.moment)
    row = Backfill.objects.get(stored=300)
    assert (row.state, row.next_open) == ("queued", row.first_open + 300 * MINUTE)
    assert "ExchangeNotAvailable" in row.message
    desk.world.faults.clear()
    assert operations.continue_backfill(moment=desk.moment)
    row.refresh_from_db()
    assert (row.state, row.stored) == ("done", 400)


def test_the_screens_are_told_how_far_a_backfill_is(desk, clean_redis, django_capture_on_commit_callbacks):
    desk.start()
    desk.poll()

    def done(step):
        with django_capture_on_commit_callbacks(execute=True):
            step()

    def next_page():
        done(lambda: operations.continue_backfill(moment=desk.moment))

    asked = {"symbol": "BTC/USDT", "timeframe": "1m", "start": NOON - 400 * MINUTE, "end": NOON}
    done(lambda: operations.request_backfill(**asked, actor="ann", moment=desk.moment))
    next_page()
    desk.world.faults["binance"] = "down"
    next_page()
    desk.world.faults.clear()
    next_page()
    place = live_updates.current_position("backfills")
    texts = live_updates.frames_since(channel="backfills", stream_id=place.stream_id, seq=0)
    told = [orjson.loads(text)["data"] for text in texts]
    assert [(one["stored"], one["state"], bool(one["message"])) for one in told] == [
        (0, "queued", False),
        (300, "queued", False),
        (300, "queued", True),
        (400, "done", False),
    ]
    assert told[-1] == queries.recent_backfills(1)[0]


def test_a_backfill_whose_worker_died_is_taken_over(desk):
    desk.start()
    desk.poll()
    operations.backfill_windows(moment=desk.moment, bars=100)
    Backfill.objects.update(state="running", changed_at=desk.at)
    assert not operations.continue_backfill(moment=desk.moment)
    desk.pass_by(seconds=91)
    assert operations.continue_backfill(moment=desk.moment)


def test_a_hole_is_closed_by_its_backfill(desk):
    desk.start()
    desk.poll()
    desk.world.lost_bars.add(("binance", "BTC/USDT", NOON))
    desk.pass_by(seconds=71)
    desk.close()
    desk.world.lost_bars.clear()
    view = operations.request_backfill(
        symbol="BTC/USDT", timeframe="1m", start=NOON - MINUTE, end=NOON + MINUTE, actor="ann", moment=desk.moment
    )
    assert (view["wanted"], view["state"], view["requested_by"]) == (2, "queued", "ann")
    operations.continue_backfill(moment=desk.moment)
    assert CandleGap.objects.get().state == "filled"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"timeframe": "7m"}, "unknown_timeframe"),
        ({"source": "mtgox"}, "unknown_source"),
        ({"start": NOON, "end": NOON}, "empty_span"),
        ({"start": NOON + timedelta(days=1), "end": NOON + timedelta(days=2)}, "empty_span"),
        ({"start": NOON - timedelta(days=400)}, "span_too_long"),
        ({"symbol": "XRP/USDT"}, "unknown_instrument"),
    ],
)
def test_an_odd_backfill_is_refused_and_plans_nothing(desk, wish, code):
    desk.start()
    desk.poll()
    asked = {"symbol": "BTC/USDT", "timeframe": "1m", "start": NOON - timedelta(days=1), "end": NOON} | wish
    with pytest.raises(Refused) as refused:
        operations.request_backfill(**asked, actor="ann", moment=desk.moment)
    assert refused.value.code == code
    assert not Backfill.objects.exists()


def test_before_the_first_quote_nobody_can_be_asked(desk):
    desk.start()
    asked = {"symbol": "BTC/USDT", "timeframe": "1m", "start": NOON - timedelta(days=1), "end": NOON}
    with pytest.raises(Refused, match="No exchange has quoted BTC/USDT yet") as refused:
        operations.request_backfill(**asked, actor="ann", moment=desk.moment)
    assert refused.value.code == "unknown_source"
    assert not Backfill.objects.exists()


def test_the_same_backfill_is_not_planned_twice(desk):
    desk.start()
    desk.poll()
    asked = {"symbol": "BTC/USDT", "timeframe": "1m", "start": NOON - timedelta(days=1), "end": NOON}
    operations.request_backfill(**asked, actor="ann", moment=desk.moment)
    with pytest.raises(Conflict, match="already under way"):
        operations.request_backfill(**asked, actor="bob", moment=desk.moment)


def test_the_book_comes_from_the_leading_source(desk):
    desk.start()
    desk.poll()
    book = queries.orderbook_view("BTC/USDT", depth=3)
    assert (book["source"], book["market"], book["assumption"]) == ("binance", "live", "")
    assert len(book["bids"]) == len(book["asks"]) == 3
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])


def test_a_provider_that_keeps_failing_is_left_alone_for_a_while(desk):
    desk.world.faults["kraken"] = "down"
    desk.start()
    for _ in range(6):
        desk.pass_by(seconds=5)
        desk.poll()
    asked = len([path for path in desk.world.asked if path.startswith("/0/")])
    desk.poll()
    assert len([path for path in desk.world.asked if path.startswith("/0/")]) == asked
    row = Provider.objects.get(name="kraken")
    assert row.failures == 7
    assert "ExchangeNotAvailable" in row.message
