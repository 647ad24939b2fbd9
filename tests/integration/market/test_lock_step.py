"""Recorded and simulated markets: one bar after the other, the same on every run."""

import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound, NotReady, Refused
from apps.foundation.models import OutboxEvent
from apps.market import operations, queries, wiring
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import PRICES
from apps.market.models import CandleGap, Instrument, MarketClock, Provider, StoredCandle
from tests.integration.market.conftest import release, start
from tests.support.candle_files import START, write_candles, write_rows

pytestmark = pytest.mark.django_db
BASE = timedelta(minutes=5)


@pytest.fixture
def run(recorded, tmp_path):
    """600 bars of two instruments at binance, one of them at kraken too, which loses bars 505 to 509."""
    write_candles(tmp_path, "BTC/USDT", bars=600)
    write_candles(tmp_path, "ETH/USDT", bars=600)
    write_candles(tmp_path, "BTC/USDT", bars=600, exchange="kraken", lost=range(505, 510), seed=5)
    return recorded


def all_candles():
    fields = ("instrument_id", "source", "timeframe", "open_at", "open", "high", "low", "close", "volume")
    return list(StoredCandle.objects.order_by("instrument_id", "source", "timeframe", "open_at").values_list(*fields))


def test_a_recorded_run_starts_five_hundred_bars_in_with_the_history_stored(run):
    clock = start()
    assert (clock.state, clock.base_timeframe, clock.primary_source) == ("running", "5m", "binance")
    assert clock.bar_at == START + 500 * BASE
    assert queries.current_moment().firm == clock.bar_at
    history = queries.closed_candles(symbol="ETH/USDT", timeframe="5m", until=clock.bar_at, limit=1_000)
    assert len(history) == StoredCandle.objects.filter(instrument="ETH/USDT", timeframe="5m").count() >= 495
    assert history[-1].close_at == clock.bar_at


def test_each_release_moves_the_clock_one_bar_and_stores_it(run):
    start()
    assert release(3) == 3
    clock = queries.market_clock()
    assert clock.bar_at == START + 503 * BASE
    assert clock.bar_index == 503
    assert StoredCandle.objects.filter(timeframe="5m", open_at=START + 502 * BASE).count() == 3


@pytest.mark.parametrize(("timeframe", "limit"), [("5m", 30), ("1h", 1_000)])
def test_the_columns_of_several_instruments_are_the_candles_of_each(run, django_assert_num_queries, timeframe, limit):
    until = start().bar_at - BASE
    asked = {"symbols": ["ETH/USDT", "BTC/USDT", "NOBODY/USDT"], "timeframe": timeframe, "until": until}
    with django_assert_num_queries(3):
        found = queries.closed_columns(**asked, limit=limit)
    assert set(found) == {"ETH/USDT", "BTC/USDT"}
    for symbol, columns in found.items():
        candles = queries.closed_candles(symbol=symbol, timeframe=timeframe, until=until, limit=limit)
        assert [timeframes.from_milliseconds(int(at)) for at in columns.times] == [one.open_at for one in candles]
        for name in PRICES:
            assert getattr(columns, name).tolist() == [float(getattr(one, name)) for one in candles]
        assert columns.source == candles[0].source


def test_nothing_of_a_later_bar_is_stored_or_shown(run):
    start()
    release(2)
    clock = queries.market_clock()
    bar_at, base = clock.bar_at, clock.base_timeframe
    for stored in StoredCandle.objects.all():
        assert stored.open_at + timeframes.span(stored.timeframe) <= bar_at
    assert queries.bars_of(symbols=["BTC/USDT"], after=bar_at, until=bar_at + timedelta(days=9), base=base) == []


def test_bars_of_several_instruments_are_those_of_each(run, django_assert_num_queries):
    start()
    release(4)
    clock = queries.market_clock()
    base, until = clock.base_timeframe, clock.bar_at
    three = {"timeframe": base, "until": until, "limit": 3}
    alone = [bar for symbol in ("BTC/USDT", "ETH/USDT") for bar in queries.closed_candles(symbol=symbol, **three)]
    wanted = ["ETH/USDT", "BTC/USDT", "NONE/USDT"]
    with django_assert_num_queries(1):
        together = queries.bars_of(symbols=wanted, after=until - 3 * BASE, until=until, base=base)
    assert together == sorted(alone, key=lambda bar: (bar.open_at, bar.symbol))
    assert len(together) == 6
    closes = queries.closes_of(symbols=["BTC/USDT", "NONE/USDT"], until=clock.bar_at, bars=2)
    assert closes["NONE/USDT"] == {}
    bitcoin = [bar for bar in together if bar.symbol == "BTC/USDT"]
    assert closes["BTC/USDT"] == {bar.open_at.timestamp() * 1_000: float(bar.close) for bar in bitcoin}


def test_closes_are_read_once_a_bar_and_are_those_of_the_bar(run, django_assert_num_queries):
    start()
    release(3)
    asked = {"until": queries.market_clock().bar_at, "bars": 2}
    first = queries.closes_of(symbols=["BTC/USDT"], **asked)
    with django_assert_num_queries(1):  # the clock
        assert queries.closes_of(symbols=["BTC/USDT"], **asked) == first
    both = queries.closes_of(symbols=["BTC/USDT", "ETH/USDT"], **asked)
    assert both["BTC/USDT"] == first["BTC/USDT"]
    assert len(both["ETH/USDT"]) == 3
    release(1)
    later = queries.closes_of(symbols=["BTC/USDT"], until=queries.market_clock().bar_at, bars=2)["BTC/USDT"]
    assert max(later) == max(first["BTC/USDT"]) + 300_000
    assert queries.closes_of(symbols=["BTC/USDT"], **asked) == first  # an earlier bar is read, not remembered


def test_coarser_candles_appear_when_their_last_bar_is_released(run):
    start()
    hour = START + timedelta(hours=42)
    before = queries.closed_candles(symbol="ETH/USDT", timeframe="1h", until=hour, limit=1)
    assert before[-1].close_at == START + timedelta(hours=41)
    release(4)
    after = queries.closed_candles(symbol="ETH/USDT", timeframe="1h", until=hour, limit=1)
    assert after[-1].close_at == hour == queries.market_clock().bar_at
    fives = queries.closed_candles(symbol="ETH/USDT", timeframe="5m", until=hour, limit=12)
    assert len(fives) == 12
    assert after[-1].volume == sum(candle.volume for candle in fives)


def test_the_quotes_known_within_a_release_are_those_that_everyone_reads_after_it(
    run, django_capture_on_commit_callbacks
):
    """Of kraken, which falls silent at bar 505, its last quote stays in both."""
    start()
    within = []

    def look(closed_at, quotes):
        clock = queries.market_clock()
        moment = Moment(wall=clock.released_at, firm=closed_at)
        within.append(queries.latest_quotes_of(queries.watched_symbols(), moment, clock, newest=quotes))

    sources = set()
    for _ in range(8):
        with django_capture_on_commit_callbacks(execute=True):
            operations.release_next_bar(moment=queries.current_moment(), with_it=look)
        shown = queries.latest_quotes_of(queries.watched_symbols(), queries.current_moment(), queries.market_clock())
        assert within[-1] == shown
        sources |= {(quote.source, quote.event_at == queries.current_moment().firm) for quote in shown["BTC/USDT"]}
    assert sources == {("binance", True), ("kraken", True), ("kraken", False)}


def test_a_bar_is_released_once_however_often_it_is_asked_for(run):
    start()
    moment = queries.current_moment()
    assert operations.release_next_bar(moment=moment)
    assert not operations.release_next_bar(moment=moment)
    assert queries.market_clock().bar_at == START + 501 * BASE


def test_a_crash_between_the_candles_and_the_clock_leaves_neither(run, monkeypatch):
    start()
    stored = all_candles()

    def crash(*_):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["apps.market.operations.release_next_bar"], "notify", crash)
        with pytest.raises(ConnectionError):
            release()
    assert queries.market_clock().bar_at == START + 500 * BASE
    assert all_candles() == stored
    assert release() == 1
    assert queries.market_clock().bar_at == START + 501 * BASE


def test_a_restart_resumes_at_the_stored_bar_and_gives_the_same_candles(run):
    start()
    release(8)
    straight = all_candles()
    StoredCandle.objects.all().delete()
    CandleGap.objects.all().delete()
    MarketClock.objects.all().delete()
    start()
    release(3)
    wiring._recorded.cache_clear()
    assert start().bar_at == START + 503 * BASE
    release(5)
    assert all_candles() == straight


def test_the_end_pauses_the_market_with_a_sentence_and_makes_marks_stale(run, django_capture_on_commit_callbacks):
    start()
    assert release(150) == 100
    clock = queries.market_clock()
    assert clock.state == "ended"
    assert "The recorded market ended with the bar of 2026-03-04 01:55 UTC; trading is paused." in clock.message
    found = queries.mark("BTC/USDT", queries.current_moment())
    assert found.stale
    assert found.price is not None
    assert "ended" in found.reason
    assert OutboxEvent.objects.filter(kind="system.changed").count() == 1


def test_a_hole_is_recorded_once_grows_and_is_not_filled_with_anything(run):
    start()
    release(12)
    hole = CandleGap.objects.get(source="kraken", first_open=START + 505 * BASE)
    assert (hole.last_open, hole.missing) == (START + 509 * BASE, 5)
    inside = StoredCandle.objects.filter(source="kraken", open_at__gte=hole.first_open, open_at__lte=hole.last_open)
    assert not inside.exists()


def test_a_source_in_a_hole_is_left_out_of_the_mark_after_three_bars(run):
    start()
    release(8)
    assert queries.mark("BTC/USDT", queries.current_moment()).sources == ("binance", "kraken")
    release(1)
    found = queries.mark("BTC/USDT", queries.current_moment())
    assert found.sources == ("binance",)
    assert "kraken last spoke 4 bars ago" in found.reason
    operations.check_providers(moment=queries.current_moment())
    assert Provider.objects.get(name="kraken").state == "degraded"
    release(2)
    assert queries.mark("BTC/USDT", queries.current_moment()).sources == ("binance", "kraken")
    operations.check_providers(moment=queries.current_moment())
    assert Provider.objects.get(name="kraken").state == "healthy"


def test_a_mark_is_stale_when_the_market_stands_still_for_the_firm(run):
    start()
    now = queries.current_moment()
    assert not queries.mark("ETH/USDT", now).stale
    later = Moment(wall=now.wall, firm=now.firm + 4 * BASE)
    assert queries.mark("ETH/USDT", later).stale


def test_marks_survive_the_loss_of_redis(run, clean_redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        start()
    with django_capture_on_commit_callbacks(execute=True):
        release(2)
    moment = queries.current_moment()
    assert clean_redis.exists("quote:binance:BTC/USDT")
    kept = queries.marks(["BTC/USDT", "ETH/USDT"], moment)
    clean_redis.flushdb()
    assert queries.marks(["BTC/USDT", "ETH/USDT"], moment) == kept


def test_a_release_goes_on_while_the_board_is_away(run, monkeypatch, django_capture_on_commit_callbacks):
    start()

    def away(*_):
        raise NotReady("The quote board is away.", code="quotes_away")

    monkeypatch.setattr("apps.market.adapters.redis_quotes.RedisQuoteBoard.put", away)
    monkeypatch.setattr("apps.market.adapters.redis_quotes.RedisQuoteBoard.latest", away)
    with django_capture_on_commit_callbacks(execute=True):
        assert release(1) == 1
    found = queries.mark("BTC/USDT", queries.current_moment())
    assert found.as_of == queries.market_clock().bar_at
    assert not found.stale


def test_quotes_of_a_mark_are_never_from_after_its_moment(run, django_capture_on_commit_callbacks):
    start()
    before = queries.current_moment()
    first = queries.mark("BTC/USDT", before)
    with django_capture_on_commit_callbacks(execute=True):
        release(1)
    assert queries.mark("BTC/USDT", before).price == first.price
    assert queries.mark("BTC/USDT", before).as_of == before.firm


def test_bars_and_quotes_are_published_after_the_commit(run, clean_redis, django_capture_on_commit_callbacks):
    start()
    with django_capture_on_commit_callbacks() as waiting:
        release(1)
    assert not clean_redis.keys("live:*")
    for callback in waiting:
        callback()
    published = {key.split(":", 1)[1].rsplit(":", 1)[0] for key in clean_redis.keys("live:*")}
    kinds = ("quotes:{}", "candles:{}:5m", "candles:{}:15m")
    assert published == {kind.format(symbol) for kind in kinds for symbol in ("BTC/USDT", "ETH/USDT")}


def test_a_released_bar_is_announced_to_the_loops(run):
    start()
    seen = []
    with connection.execute_wrapper(
        lambda execute, sql, params, many, context: (seen.append((sql, params)), execute(sql, params, many, context))[1]
    ):
        release(1)
    announced = [params for sql, params in seen if "pg_notify" in sql]
    assert announced == [["hq_bar", (START + 501 * BASE).isoformat()]]


def test_the_same_seed_gives_the_same_bars_and_another_seed_others(simulated):
    def bars_of(seed):
        simulated.SIMULATED_SEED = seed
        for model in (StoredCandle, CandleGap, MarketClock):
            model.objects.all().delete()
        start()
        release(10)
        return all_candles()

    first = bars_of(7)
    wiring._simulated.cache_clear()
    assert bars_of(7) == first
    assert bars_of(8) != first


def test_a_simulated_market_has_two_venues_and_says_what_it_is(simulated):
    clock = start()
    assert clock.sources == ("simulated-a", "simulated-b")
    assert "prices are generated, not real" in clock.dataset
    snapshot = queries.quote_snapshot("BTC/USDT")
    assert snapshot["market"] == "simulated"
    assert {quote["market"] for quote in snapshot["quotes"]} == {"simulated"}
    assert "Simulated market" in snapshot["assumption"]


def test_a_new_instrument_of_a_simulated_home_gets_its_history(simulated):
    start()
    release(5)
    simulated.INSTRUMENTS = ["BTC/USDT", "SOL/USDT"]
    clock = start()
    assert queries.watched_symbols() == ["BTC/USDT", "SOL/USDT"]
    history = queries.closed_candles(symbol="SOL/USDT", timeframe="1m", until=clock.bar_at, limit=1_000)
    assert len(history) >= 490
    assert history[-1].close_at == clock.bar_at


def test_starting_twice_changes_nothing(run):
    first = start()
    stored = all_candles()
    assert start().bar_at == first.bar_at
    assert all_candles() == stored


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (
            {"RECORDED_DIR": "/no/such/folder"},
            "market_refused",
            "RECORDED_DIR was '/no/such/folder', which is no folder",
        ),
        ({"RECORDED_DIR": ""}, "market_refused", "MARKET=recorded needs RECORDED_DIR"),
        ({"INSTRUMENTS": ["BTC/USDT", "DOGE/USDT"]}, "market_refused", "INSTRUMENTS names DOGE/USDT, but RECORDED_DIR"),
        ({"INSTRUMENTS": ["btc"]}, "market_refused", "'btc' is no instrument; write BASE/QUOTE"),
    ],
)
def test_settings_that_make_no_run_are_refused_with_a_sentence(run, change, code, sentence):
    for name, value in change.items():
        setattr(run, name, value)
    with pytest.raises(Refused, match=sentence) as refused:
        start()
    assert refused.value.code == code
    assert not MarketClock.objects.exists()


def test_spans_that_do_not_meet_are_refused(recorded, tmp_path):
    write_candles(tmp_path, "BTC/USDT", bars=600)
    write_candles(tmp_path, "ETH/USDT", bars=600, first=900)
    with pytest.raises(Refused, match="The recorded spans don't overlap: BTC/USDT 2026-03-02 00:00 to"):
        start()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(1, 2, 3)], "has a row that is no candle: '1,2,3'"),
        ([("soon", 1, 1, 1, 1, 1)], "has a row that is no candle: 'soon,1,1,1,1,1'"),
        ([("", 1, 1, 1, 1, 1)], "does not start with a timestamp in milliseconds"),
        ([(1, 1, "x", 1, 1, 1)], "has a row that is no candle: '1,1,x,1,1,1'"),
        ([(2, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)], "must have rows in ascending order of time"),
    ],
)
def test_a_broken_file_is_refused_by_name(recorded, tmp_path, rows, sentence):
    recorded.INSTRUMENTS = ["BTC/USDT"]
    path = write_candles(tmp_path, "BTC/USDT", bars=600)
    write_rows(path, rows)
    with pytest.raises(Refused, match=f"{path.name}.*{sentence}"):
        start()


def test_a_home_that_ran_another_market_seed_or_data_set_is_refused(run, tmp_path):
    start()
    write_candles(tmp_path, "ETH/USDT", bars=601)
    wiring._recorded.cache_clear()
    with pytest.raises(Conflict, match="This home has run another market: Recorded 5m candles of BTC/USDT") as refused:
        start()
    assert refused.value.code == "another_market"
    run.MARKET = "simulated"
    with pytest.raises(Conflict, match="The settings now name: Simulated market, seed"):
        start()
    assert queries.market_clock().kind == "recorded"


def test_rules_come_from_the_markets_file_and_are_assumptions_without_it(run, tmp_path):
    start()
    assumed = queries.instrument_rules("BTC/USDT")
    assert assumed.assumed == ("tick_size", "step_size", "min_quantity", "min_notional")
    assert (assumed.tick_size, assumed.min_notional) == (Decimal("0.1"), 5)
    rules = '{"tick_size": "0.5", "step_size": "0.01", "min_quantity": "0.02", "min_notional": "10"}'
    (tmp_path / "binance_markets.json").write_text(f'{{"BTC/USDT": {rules}}}')
    wiring._recorded.cache_clear()
    start()
    stated = queries.instrument_rules("BTC/USDT")
    assert (stated.assumed, stated.tick_size, stated.min_notional) == ((), Decimal("0.5"), 10)


def test_an_unknown_instrument_is_named(run):
    start()
    with pytest.raises(NotFound, match="Instrument was 'XRP/USDT'; known are BTC/USDT, ETH/USDT") as refused:
        queries.mark("XRP/USDT", queries.current_moment())
    assert refused.value.code == "unknown_instrument"


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"low": 11}, "candle_low_is_lowest"),
        ({"high": 9}, "candle_high_is_highest"),
        ({"low": 0}, "candle_price_positive"),
        ({"volume": -1}, "candle_volume_not_negative"),
    ],
)
def test_the_database_refuses_an_impossible_candle(run, values, constraint):
    start()
    sound = {"open": 10, "high": 12, "low": 8, "close": 11, "volume": 1} | values
    with pytest.raises(IntegrityError, match=constraint):
        StoredCandle.objects.create(
            instrument_id="BTC/USDT",
            source="x",
            timeframe="5m",
            open_at=START,
            **{name: Decimal(value) for name, value in sound.items()},
        )


def test_history_of_three_instruments_is_stored_in_one_or_two_seconds(simulated, django_assert_max_num_queries):
    simulated.INSTRUMENTS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    with django_assert_max_num_queries(80):
        start()
    assert StoredCandle.objects.filter(timeframe="1m").count() > 2_900
    assert Instrument.objects.count() == 3
