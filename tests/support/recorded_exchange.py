"""An HTTP server that answers like the public REST interfaces of binance, kraken and coinbase.

The shape of each answer is that of the exchange's public interface; the prices are generated, one bar a minute, so that
klines, tickers and books agree. Faults can be switched on by
exchange: ``html``, ``down``, ``limited``, ``reset``, ``slow``.
"""

import argparse
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apps.foundation.clock import wall_now
from apps.market.domain import simulated_market, timeframes
from apps.market.domain.candles import Candle, aggregate

PAYLOADS = Path(__file__).parent / "recorded_payloads"
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
KRAKEN_NAMES = {"XBTUSDT": "BTC/USDT", "ETHUSDT": "ETH/USDT", "SOLUSDT": "SOL/USDT"}
COINBASE_LENGTHS = {"ONE_MINUTE": "1m", "FIVE_MINUTE": "5m", "FIFTEEN_MINUTE": "15m", "ONE_HOUR": "1h", "ONE_DAY": "1d"}
HTML = b"<html><body>We are under maintenance.</body></html>"


class RecordedExchange:
    """The world behind the server: prices by minute, faults, and what was asked."""

    def __init__(self, now: Callable[[], datetime] = wall_now, seed: int = 3) -> None:
        self.now = now
        self.seed = seed
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []
        self.lost_bars: set[tuple[str, str, datetime]] = set()  # (exchange, symbol, opening time)

    def candle(self, exchange: str, symbol: str, open_at: datetime) -> Candle | None:
        """The bar of one minute; venues differ by a hair."""
        if (exchange, symbol, open_at) in self.lost_bars:
            return None
        index = int(open_at.timestamp()) // 60 % 500_000
        bar = self._generated(symbol, index)
        shift = {"binance": Decimal(1), "kraken": Decimal("1.0001"), "coinbase": Decimal("0.9999")}[exchange]
        prices = [round(price * shift, 2) for price in (bar.open, bar.high, bar.low, bar.close)]
        return Candle(symbol, exchange, "1m", open_at, *prices, volume=bar.volume)

    def _generated(self, symbol: str, index: int) -> Candle:
        """The generator's bar; where it has a gap, a minute without a trade."""
        source = simulated_market.SOURCES[0]
        for back in range(20):
            bar = simulated_market.candle(seed=self.seed, symbol=symbol, source=source, index=index - back)
            if bar is not None:
                flat = {"open": bar.close, "high": bar.close, "low": bar.close, "volume": Decimal(0)}
                return bar if back == 0 else replace(bar, **flat)
        raise LookupError(f"The generator has no bar of {symbol} near {index}.")

    def candles(self, exchange: str, symbol: str, timeframe: str, since: datetime, limit: int) -> list[Candle]:
        """At most ``limit`` bars from ``since`` on, the running one included."""
        at, length = timeframes.floor_time(since, timeframe), timeframes.span(timeframe)
        found: list[Candle] = []
        while at <= self.now() and len(found) < limit:
            found += self._bar(exchange, symbol, timeframe, at)
            at += length
        return found

    def _bar(self, exchange: str, symbol: str, timeframe: str, at: datetime) -> list[Candle]:
        """One bar, or none. Bars over 15 minutes are drawn from four of their minutes, for speed."""
        minutes = timeframes.seconds(timeframe) // 60
        steps = range(minutes) if minutes <= 15 else (*range(0, minutes - 1, minutes // 3), minutes - 1)
        parts = [self.candle(exchange, symbol, at + timeframes.span("1m") * step) for step in steps]
        known = [part for part in parts if part is not None]
        if minutes <= 15:
            return known if timeframe == "1m" else aggregate(known, timeframe)
        reach = {"high": max(part.high for part in known), "low": min(part.low for part in known)}
        return [replace(known[0], timeframe=timeframe, open_at=at, close=known[-1].close, **reach)]

    def price(self, exchange: str, symbol: str) -> Decimal:
        """The last price: the running minute's close."""
        at = timeframes.floor_time(self.now(), "1m")
        bars = (self.candle(exchange, symbol, at - timeframes.span("1m") * back) for back in range(10))
        return next(bar.close for bar in bars if bar is not None)

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve on the loopback while the block runs; gives the address."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def ccxt_urls(address: str) -> dict[str, Any]:
    """What ``HQ_CCXT_URLS`` must hold so that the three exchanges are asked at ``address``."""
    return {
        "binance": {"public": f"{address}/api/v3", "private": f"{address}/api/v3", "sapi": f"{address}/sapi/v1"},
        "kraken": {"public": address, "private": address},
        "coinbase": {"rest": address},
    }


def _payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


class _Answers:
    """Path and query to answer."""

    def __init__(self, world: RecordedExchange) -> None:
        self.world = world

    def find(self, path: str, query: dict[str, str]) -> Any:
        routes: dict[str, Callable[[dict[str, str]], Any]] = {
            "/api/v3/exchangeInfo": lambda _: _payload("binance_exchange_info"),
            "/api/v3/ticker/24hr": self.binance_tickers,
            "/api/v3/klines": self.binance_klines,
            "/api/v3/depth": self.binance_depth,
            "/0/public/Assets": lambda _: _payload("kraken_assets"),
            "/0/public/AssetPairs": lambda _: _payload("kraken_asset_pairs"),
            "/0/public/Ticker": self.kraken_tickers,
            "/0/public/OHLC": self.kraken_candles,
            "/0/public/Depth": self.kraken_depth,
            "/api/v3/brokerage/market/products": self.coinbase_products,
            "/api/v3/brokerage/market/product_book": self.coinbase_book,
        }
        if path in routes:
            return routes[path](query)
        parts = path.split("/")
        if path.startswith("/api/v3/brokerage/market/products/") and parts[-1] == "ticker":
            return self.coinbase_ticker(parts[-2])
        if path.startswith("/api/v3/brokerage/market/products/") and parts[-1] == "candles":
            return self.coinbase_candles(parts[-2], query)
        return None

    def binance_tickers(self, query: dict[str, str]) -> Any:
        names = json.loads(query["symbols"]) if "symbols" in query else [query["symbol"]]
        now = timeframes.to_milliseconds(self.world.now())
        found = []
        for name in names:
            price = self.world.price("binance", name[:-4] + "/USDT")
            moving = {
                "symbol": name,
                "lastPrice": str(price),
                "bidPrice": str(price),
                "askPrice": str(price + Decimal("0.01")),
            }
            found.append(_payload("binance_ticker_24hr") | moving | {"openTime": now - 86_400_000, "closeTime": now})
        return found if "symbols" in query else found[0]

    def binance_klines(self, query: dict[str, str]) -> Any:
        symbol = query["symbol"][:-4] + "/USDT"
        since = timeframes.from_milliseconds(int(query["startTime"]))
        bars = self.world.candles("binance", symbol, query["interval"], since, int(query.get("limit", 500)))
        return [
            [
                timeframes.to_milliseconds(bar.open_at),
                *(str(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)),
                timeframes.to_milliseconds(bar.close_at) - 1,
                str(bar.volume * bar.close),
                42,
                "1.0",
                "1.0",
                "0",
            ]
            for bar in bars
        ]

    def binance_depth(self, query: dict[str, str]) -> Any:
        price = self.world.price("binance", query["symbol"][:-4] + "/USDT")
        return {"lastUpdateId": 1027024, **_levels(price, ("price", "quantity"), as_lists=True)}

    def kraken_tickers(self, query: dict[str, str]) -> Any:
        found = {}
        for name in query["pair"].split(","):
            price = str(self.world.price("kraken", KRAKEN_NAMES[name]))
            moving = {
                "a": [str(Decimal(price) + Decimal("0.1")), "1", "1.000"],
                "b": [price, "1", "1.000"],
                "c": [price, "0.01"],
            }
            found[name] = _payload("kraken_ticker") | moving
        return {"error": [], "result": found}

    def kraken_candles(self, query: dict[str, str]) -> Any:
        timeframe = {str(seconds // 60): name for name, seconds in timeframes.SECONDS.items()}[query["interval"]]
        since = datetime.fromtimestamp(float(query["since"]), UTC) + timeframes.span("1m")
        bars = self.world.candles("kraken", KRAKEN_NAMES[query["pair"]], timeframe, since, 720)
        rows = [
            [
                int(bar.open_at.timestamp()),
                *map(str, (bar.open, bar.high, bar.low, bar.close, bar.close, bar.volume)),
                3,
            ]
            for bar in bars
        ]
        return {"error": [], "result": {query["pair"]: rows, "last": rows[-1][0] if rows else 0}}

    def kraken_depth(self, query: dict[str, str]) -> Any:
        book = _levels(self.world.price("kraken", KRAKEN_NAMES[query["pair"]]), (), as_lists=True)
        stamped = {
            side: [[*level, int(self.world.now().timestamp())] for level in levels] for side, levels in book.items()
        }
        return {"error": [], "result": {query["pair"]: stamped}}

    def coinbase_products(self, query: dict[str, str]) -> Any:
        return (
            {"products": [], "num_products": 0}
            if query.get("product_type") == "FUTURE"
            else _payload("coinbase_products")
        )

    def coinbase_ticker(self, product: str) -> Any:
        price = self.world.price("coinbase", product.replace("-", "/"))
        trade = {
            "trade_id": "1",
            "product_id": product,
            "price": str(price),
            "size": "0.1",
            "side": "BUY",
            "bid": "",
            "ask": "",
        }
        time_text = self.world.now().isoformat().replace("+00:00", "Z")
        return {
            "trades": [trade | {"time": time_text}],
            "best_bid": str(price),
            "best_ask": str(price + Decimal("0.01")),
        }

    def coinbase_candles(self, product: str, query: dict[str, str]) -> Any:
        since = datetime.fromtimestamp(float(query["start"]), UTC)
        length = COINBASE_LENGTHS[query["granularity"]]
        bars = self.world.candles("coinbase", product.replace("-", "/"), length, since, 300)
        newest_first = [
            {
                "start": str(int(bar.open_at.timestamp())),
                **{name: str(getattr(bar, name)) for name in ("low", "high", "open", "close", "volume")},
            }
            for bar in reversed(bars)
        ]
        return {"candles": newest_first}

    def coinbase_book(self, query: dict[str, str]) -> Any:
        product = query["product_id"]
        book = _levels(self.world.price("coinbase", product.replace("-", "/")), ("price", "size"), as_lists=False)
        return {
            "pricebook": {"product_id": product, **book, "time": self.world.now().isoformat().replace("+00:00", "Z")}
        }


def _levels(price: Decimal, names: tuple[str, ...], *, as_lists: bool) -> dict[str, Any]:
    """Five levels a side; prices pass from nine digits to ten, so that sorting them as text would be wrong."""
    sides = {"bids": [price - Decimal(k) for k in range(5)], "asks": [price + Decimal(k + 1) for k in range(5)]}
    pairs = {side: [(str(value), "0.5") for value in values] for side, values in sides.items()}
    if as_lists:
        return {side: [list(pair) for pair in found] for side, found in pairs.items()}
    return {side: [dict(zip(names, pair, strict=True)) for pair in found] for side, found in pairs.items()}


def _handler_of(world: RecordedExchange) -> type[BaseHTTPRequestHandler]:
    answers = _Answers(world)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            world.asked.append(self.path)
            exchange = _exchange_of(parts.path)
            fault = world.faults.get(exchange)
            if fault == "reset":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if fault == "slow":
                time.sleep(6)
            if fault == "html":
                self._send(200, HTML, "text/html")
            elif fault == "down":
                self._send(503, HTML, "text/html")
            elif fault == "limited":
                self._send(429, b'{"code":-1003,"msg":"Too many requests."}', "application/json")
            else:
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                found = answers.find(parts.path, query)
                self._send(404 if found is None else 200, json.dumps(found).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _exchange_of(path: str) -> str:
    if path.startswith("/0/"):
        return "kraken"
    return "coinbase" if path.startswith(("/api/v3/brokerage", "/v2/")) else "binance"


def main() -> None:
    """Serve until interrupted and print the value for HQ_CCXT_URLS."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    with RecordedExchange().serving(parser.parse_args().port) as address:
        print(json.dumps(ccxt_urls(address)), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
