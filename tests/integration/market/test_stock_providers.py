"""Stock prices as vendors really send them: wrong rows, other hours, other currencies, recorded answers."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from apps.foundation.clock import wall_now
from apps.market.adapters import source_notices
from apps.market.adapters.alpaca_provider import AlpacaProvider
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.adapters.yahoo_provider import YahooProvider
from apps.market.domain import timeframes
from apps.market.ports import ProviderRefused
from tests.support.recorded_broker import KEY, SECRET, RecordedBroker, payload
from tests.support.recorded_yahoo import StockWorld

D = Decimal
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "exchanges" / "alpaca"


@pytest.fixture
def world():
    made = StockWorld()
    with made.serving() as made.address:
        yield made


@pytest.fixture
def yahoo(world, monkeypatch):
    monkeypatch.setattr("apps.market.adapters.yahoo_provider.wall_now", lambda: world.now)
    source_notices.take()
    return YahooProvider(symbols=world.symbols, calendar=ExchangeSessions(), address=world.address)


def minutes(provider, world, count=30, back=35):
    since = timeframes.floor_time(world.now, "1m") - timedelta(minutes=back)
    return provider.candles("AAPL/USD", "1m", since=since, limit=count)


def test_a_minute_in_pence_is_repaired_and_told_once(world, yahoo):
    sound = minutes(yahoo, world)
    source_notices.take()
    world.spoiled[sound[10].open_at] = D(100)
    again = minutes(yahoo, world)
    assert [candle.close for candle in again] == pytest.approx([candle.close for candle in sound], rel=D("0.0001"))
    (told,) = source_notices.take()
    assert (told.symbol, told.source, told.notice.kind, told.notice.repaired) == ("AAPL/USD", "yfinance", "unit", True)
    minutes(yahoo, world)
    assert source_notices.take() == []


def test_half_of_the_minutes_in_another_unit_are_refused_not_traded_on(world, yahoo):
    sound = minutes(yahoo, world, count=60, back=60)
    source_notices.take()
    world.spoiled |= {candle.open_at: D(100) for candle in sound[15:]}
    assert minutes(yahoo, world, count=60, back=60) == []
    assert {told.notice.repaired for told in source_notices.take()} == {False}


def test_a_week_has_bars_in_its_sessions_only(world, yahoo):
    found = yahoo.candles("AAPL/USD", "1h", since=world.now - timedelta(days=7), limit=100)
    per_day = {}
    for candle in found:
        per_day.setdefault(candle.open_at.date(), []).append(candle.open_at.hour)
    whole = [hours for day, hours in per_day.items() if day != world.now.date()][1:]
    assert all(len(hours) in {4, 7} for hours in whole)
    assert all(world.sessions.covers(candle.open_at, "1h") for candle in found)


def test_days_lie_on_the_grid(world, yahoo):
    found = yahoo.candles("AAPL/USD", "1d", since=world.now - timedelta(days=20), limit=10)
    assert 5 <= len(found) <= 10
    assert {candle.open_at.hour for candle in found} == {0}


def test_a_share_in_another_currency_is_not_listed(world, yahoo):
    world.currency = "GBp"
    assert yahoo.instruments(["AAPL/USD"]) == []
    with pytest.raises(ProviderRefused, match="AAPL/USD"):
        minutes(yahoo, world)


def test_an_unknown_share_is_no_trouble_for_the_others(world):
    provider = YahooProvider(symbols=[*world.symbols, "GONE/USD"], calendar=ExchangeSessions(), address=world.address)
    rules = provider.instruments(["GONE/USD", "AAPL/USD"])
    assert [(rule.symbol, rule.calendar, rule.quote) for rule in rules] == [("AAPL/USD", "XNYS", "USD")]


def test_alpacas_splits_are_asked_for_once_a_day_before_its_prices(monkeypatch):
    broker = RecordedBroker()
    broker.quotes["AAPL"] = (D("50"), D("50.02"), wall_now())
    today = wall_now().astimezone(UTC).date().isoformat()
    broker.splits.append({"symbol": "AAPL", "new_rate": 1, "old_rate": 10, "ex_date": today})
    source_notices.take()
    source_notices._known.clear()
    with broker.serving() as address:
        keys = {"key": KEY, "secret": SECRET}
        provider = AlpacaProvider(symbols=["AAPL/USD"], calendar=ExchangeSessions(), address=address, **keys)
        for _ in range(2):
            provider.quotes(["AAPL/USD"], received_at=wall_now())
    (told,) = source_notices.take()
    assert (told.symbol, told.notice.kind) == ("AAPL/USD", "split_announced")
    assert told.notice.detail == "1 new share for 10 old ones."
    assert [path for _, path in broker.asked] == ["/v1/corporate-actions", *["/v2/stocks/quotes/latest"] * 2]


@contextmanager
def answering(answer):
    """A server that gives one answer, as JSON, to whatever is asked."""
    body = json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            said = b'{"corporate_actions": {}}' if "corporate-actions" in self.path else body
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def recorded(*names):
    """Answers as recorded, where they lie beside the checkout, after hand-made ones of the same form."""
    return [RECORDED / f"{name}.json" for name in names if (RECORDED / f"{name}.json").is_file()]


def answer_of(source):
    return json.loads(source.read_text())["response"] if isinstance(source, Path) else payload(source)


@pytest.mark.parametrize("source", ["alpaca_latest_quote", *recorded("get_latest_quote")], ids=str)
def test_a_latest_quote_is_read_exactly(source):
    answer = answer_of(source)
    (told,) = answer["quotes"].values()
    with answering(answer) as address:
        provider = AlpacaProvider(
            symbols=["AAPL/USD"], calendar=ExchangeSessions(), key="k", secret="s", address=address
        )
        (quote,) = provider.quotes(["AAPL/USD"], received_at=wall_now())
        book = provider.order_book("AAPL/USD", depth=5, received_at=wall_now())
    assert (quote.bid, quote.ask) == (D(str(told["bp"])), D(str(told["ap"])))
    assert (book.bids[0][1], book.asks[0][1]) == (told["bs"], told["as"])
    assert quote.event_at.isoformat()[:19] == told["t"][:19]


@pytest.mark.parametrize("source", ["alpaca_no_quotes", *recorded("get_latest_quote_multi_empty_response")], ids=str)
def test_an_answer_without_quotes_is_refused(source):
    with answering(answer_of(source)) as address:
        provider = AlpacaProvider(
            symbols=["AAPL/USD"], calendar=ExchangeSessions(), key="k", secret="s", address=address
        )
        with pytest.raises(ProviderRefused, match="AAPL/USD"):
            provider.quotes(["AAPL/USD"], received_at=wall_now())


@pytest.mark.parametrize(
    "source", ["alpaca_bars", *recorded("get_bars", "multisymbol_get_bars", "get_bars_desc")], ids=str
)
def test_daily_bars_become_days_of_the_session(source):
    answer = answer_of(source) | {"next_page_token": None}
    told = sorted(answer["bars"].get("AAPL") or next(iter(answer["bars"].values())), key=lambda bar: bar["t"])
    symbol = "AAPL/USD" if "AAPL" in answer["bars"] else f"{next(iter(answer['bars']))}/USD"
    first = datetime.fromisoformat(told[0]["t"]).astimezone(UTC)
    with answering(answer) as address:
        provider = AlpacaProvider(symbols=[symbol], calendar=ExchangeSessions(), key="k", secret="s", address=address)
        found = provider.candles(symbol, "1d", since=first - timedelta(days=1), limit=100)
    sessions = [bar for bar in told if bar["t"][11:13] in {"04", "05"}]
    assert [candle.open_at.date().isoformat() for candle in found] == [bar["t"][:10] for bar in sessions]
    assert [(candle.close, candle.volume) for candle in found] == [(D(str(bar["c"])), bar["v"]) for bar in sessions]


@pytest.mark.parametrize(
    "source", ["alpaca_no_bars", *recorded("get_bars_single_empty_response", "get_bars_multi_empty_response")], ids=str
)
def test_no_bars_are_no_candles(source):
    with answering(answer_of(source)) as address:
        provider = AlpacaProvider(
            symbols=["AAPL/USD"], calendar=ExchangeSessions(), key="k", secret="s", address=address
        )
        assert provider.candles("AAPL/USD", "1d", since=wall_now() - timedelta(days=9), limit=5) == []
