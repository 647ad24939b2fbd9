"""What every source of prices must do, whoever it is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.clock import wall_now
from apps.foundation.errors import RetryableFailure
from apps.market.adapters.alpaca_provider import AlpacaProvider
from apps.market.adapters.ccxt_provider import CcxtProvider
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.adapters.guarded_provider import GuardedProvider
from apps.market.adapters.recorded_provider import RecordedMarket
from apps.market.adapters.simulated_provider import SimulatedMarket
from apps.market.adapters.yahoo_provider import YahooProvider
from apps.market.domain import candles as bars
from apps.market.domain import quotes, timeframes
from apps.market.ports import ProviderRefused
from tests.support.candle_files import START, write_candles
from tests.support.recorded_broker import KEY, SECRET, RecordedBroker
from tests.support.recorded_exchange import RecordedExchange, ccxt_urls
from tests.support.recorded_yahoo import StockWorld

SYMBOLS = ("BTC/USDT", "ETH/USDT")
STOCKS = ("AAPL/USD", "MSFT/USD")
LIVE = ("binance", "kraken", "coinbase")


class Case:
    """One provider, the moment until which it may know prices, and what it trades."""

    def __init__(self, provider, now, base, symbols=SYMBOLS, assumed_book=None):
        self.provider, self.now, self.base, self.symbols = provider, now, base, symbols
        self.assumed_book = provider.market != "live" if assumed_book is None else assumed_book


@pytest.fixture(scope="module")
def exchange():
    world = RecordedExchange()
    with world.serving() as address:
        world.address = address
        yield world


@pytest.fixture
def live(exchange):
    def build(name):
        return CcxtProvider(name, urls=ccxt_urls(exchange.address)[name], symbols=SYMBOLS)

    yield build
    exchange.faults.clear()


@pytest.fixture(scope="module")
def stock_world():
    """Stocks at a moment in a session, whatever the hour of the test."""
    world, broker = StockWorld(), RecordedBroker()
    world.fill_broker(broker)
    with world.serving() as world.address, broker.serving() as broker.address:
        yield world, broker


@pytest.fixture
def stocks(stock_world, monkeypatch):
    world, broker = stock_world
    monkeypatch.setattr("apps.market.adapters.yahoo_provider.wall_now", lambda: world.now)
    monkeypatch.setattr("apps.market.adapters.alpaca_provider.wall_now", lambda: world.now)
    calendar = ExchangeSessions()

    def build(name):
        if name == "yfinance":
            return YahooProvider(symbols=STOCKS, calendar=calendar, address=world.address)
        return AlpacaProvider(symbols=STOCKS, calendar=calendar, key=KEY, secret=SECRET, address=broker.address)

    build.now = world.now

    def fail(name, fault):
        if name == "yfinance":
            world.fault = fault
        else:
            broker.faults["data"] = fault

    build.fail = fail
    yield build
    world.fault = ""
    broker.faults.clear()


@pytest.fixture(params=["binance", "kraken", "coinbase", "guarded", "recorded", "simulated", "yfinance", "alpaca"])
def case(request, live, stocks, tmp_path, clean_redis):
    if request.param in {"yfinance", "alpaca"}:
        provider = stocks(request.param)
        return Case(provider, stocks.now, "1m", STOCKS, assumed_book=request.param == "yfinance")
    if request.param == "recorded":
        for symbol in SYMBOLS:
            write_candles(tmp_path, symbol, bars=700, timeframe="1m")
        now = START + timedelta(minutes=650)
        return Case(RecordedMarket(tmp_path, SYMBOLS, ["binance"]).at(now)[0], now, "1m")
    if request.param == "simulated":
        world = SimulatedMarket(SYMBOLS, seed=7)
        now = world.first_open + timedelta(minutes=650)
        return Case(world.at(now)[0], now, "1m")
    if request.param == "guarded":
        return Case(GuardedProvider(live("binance")), wall_now(), "1m")
    return Case(live(request.param), wall_now(), "1m")


def test_it_has_a_name_and_says_what_kind_of_market_it_is(case):
    assert case.provider.name
    assert case.provider.market in {"live", "recorded", "simulated"}


def test_it_states_rules_of_what_it_trades_and_only_of_that(case):
    found = case.provider.instruments([*case.symbols, "NOPE/USDT"])
    assert [rule.symbol for rule in found] == list(case.symbols)
    for rule in found:
        assert rule.symbol == f"{rule.base}/{rule.quote}"
        assert min(rule.tick_size, rule.step_size) > 0
        assert min(rule.min_quantity, rule.min_notional) >= 0


def test_its_quotes_are_sound_decimals_of_this_moment(case):
    found = case.provider.quotes([*case.symbols, "NOPE/USDT"], received_at=case.now)
    assert [quote.symbol for quote in found] == list(case.symbols)
    for quote in found:
        assert quotes.problem(quote) is None
        assert isinstance(quote.bid, Decimal)
        assert quote.source == case.provider.name
        assert quote.market == case.provider.market
        assert quote.received_at == case.now
        assert case.now - timedelta(minutes=10) < quote.event_at <= case.now


def test_its_candles_are_sound_ascending_and_each_time_once(case):
    since = timeframes.floor_time(case.now, "1m") - timedelta(minutes=30)
    found = case.provider.candles(case.symbols[0], "1m", since=since, limit=20)
    opens = [candle.open_at for candle in found]
    assert 15 <= len(found) <= 20
    assert opens == sorted(set(opens))
    assert opens[0] >= since
    assert all(bars.problem(candle) is None and candle.source == case.provider.name for candle in found)


def test_its_coarser_candles_cover_the_finer_ones(case):
    since = timeframes.floor_time(case.now, "15m") - (
        timedelta(minutes=90) if case.symbols == STOCKS else timedelta(hours=3)
    )
    quarters = case.provider.candles(case.symbols[1], "15m", since=since, limit=2)
    assert [candle.open_at for candle in quarters] == [since, since + timedelta(minutes=15)]
    minutes = case.provider.candles(case.symbols[1], "1m", since=since, limit=15)
    assert bars.aggregate(minutes, "15m")[0] == quarters[0]


def test_it_shows_nothing_from_after_its_moment(case):
    found = case.provider.candles(case.symbols[0], "1m", since=case.now - timedelta(minutes=3), limit=100)
    assert all(candle.open_at <= case.now for candle in found)
    if case.provider.market != "live":
        assert all(candle.close_at <= case.now for candle in found)


def test_its_book_is_sorted_from_the_best_and_no_deeper_than_asked(case):
    book = case.provider.order_book(case.symbols[0], depth=3, received_at=case.now)
    assert 1 <= len(book.bids) <= 3
    assert [level[0] for level in book.bids] == sorted((level[0] for level in book.bids), reverse=True)
    assert [level[0] for level in book.asks] == sorted(level[0] for level in book.asks)
    assert book.bids[0][0] <= book.asks[0][0]
    assert bool(book.assumed) is case.assumed_book


def test_an_unknown_instrument_is_refused(case):
    with pytest.raises(ProviderRefused, match="NOPE/USDT"):
        case.provider.candles("NOPE/USDT", "1m", since=case.now - timedelta(hours=1), limit=5)
    with pytest.raises(ProviderRefused, match="NOPE/USDT"):
        case.provider.order_book("NOPE/USDT", depth=5, received_at=case.now)


def test_a_book_without_depth_is_refused(case):
    with pytest.raises(ProviderRefused, match="depth was 0"):
        case.provider.order_book(case.symbols[0], depth=0, received_at=case.now)


def reads(provider, now, symbols=SYMBOLS):
    return {
        "quotes": lambda: provider.quotes(symbols, received_at=now),
        "candles": lambda: provider.candles(symbols[0], "1m", since=now - timedelta(minutes=5), limit=5),
        "book": lambda: provider.order_book(symbols[0], depth=5, received_at=now),
    }


@pytest.mark.parametrize("read", ["quotes", "candles", "book"])
@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("loaded", [True, False], ids=["markets-loaded", "first-question"])
def test_a_page_instead_of_data_is_refused_and_never_taken_for_prices(exchange, live, name, read, loaded):
    provider = live(name)
    if loaded:
        provider.instruments(SYMBOLS)
    exchange.faults[name] = "html"
    with pytest.raises(ProviderRefused, match=name):
        reads(provider, wall_now())[read]()


@pytest.mark.parametrize("read", ["quotes", "candles", "book"])
@pytest.mark.parametrize("name", ["yfinance", "alpaca"])
def test_a_page_instead_of_stock_prices_is_refused(stocks, name, read):
    provider = stocks(name)
    provider.instruments(STOCKS)
    stocks.fail(name, "html")
    with pytest.raises(ProviderRefused, match=name):
        reads(provider, stocks.now, STOCKS)[read]()


@pytest.mark.parametrize("read", ["quotes", "candles", "book"])
@pytest.mark.parametrize("fault", ["down", "limited", "reset"])
@pytest.mark.parametrize("name", ["yfinance", "alpaca"])
def test_trouble_on_the_way_to_stock_prices_is_a_passing_failure(stocks, name, fault, read):
    stocks.fail(name, fault)
    with pytest.raises(RetryableFailure, match=name):
        reads(stocks(name), stocks.now, STOCKS)[read]()


@pytest.mark.parametrize("read", ["quotes", "candles", "book"])
@pytest.mark.parametrize("fault", ["down", "limited", "reset"])
@pytest.mark.parametrize("name", LIVE)
def test_trouble_on_the_way_is_a_passing_failure(exchange, live, name, fault, read):
    exchange.faults[name] = fault
    with pytest.raises(RetryableFailure, match=name):
        reads(live(name), wall_now())[read]()


@pytest.mark.parametrize("name", LIVE)
def test_it_recovers_once_the_exchange_does(exchange, live, name):
    provider = live(name)
    exchange.faults[name] = "html"
    with pytest.raises(ProviderRefused):
        provider.quotes(SYMBOLS, received_at=wall_now())
    exchange.faults.clear()
    assert len(provider.quotes(SYMBOLS, received_at=wall_now())) == 2


def test_an_exchange_that_nobody_knows_is_named(clean_redis):
    with pytest.raises(ProviderRefused, match="PROVIDERS names 'binanse'"):
        CcxtProvider("binanse", urls={}, symbols=SYMBOLS).quotes(SYMBOLS, received_at=wall_now())


def test_markets_are_listed_once_and_prices_asked_each_time(exchange, live):
    provider = live("binance")
    exchange.asked.clear()
    for _ in range(3):
        provider.quotes(SYMBOLS, received_at=wall_now())
    paths = [path.partition("?")[0] for path in exchange.asked]
    assert paths == ["/api/v3/exchangeInfo", *["/api/v3/ticker/24hr"] * 3]
