"""An HTTP server that answers as Yahoo's chart interface does, and the stock prices behind it and behind the broker.

Prices are generated, one bar a minute inside New York's sessions. ``now`` is a moment of such a session, so that the
tests don't depend on the hour they run at. ``fault`` is one of ``html``, ``down``, ``limited``, ``reset``.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apps.foundation.clock import wall_now
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.domain import simulated_market, timeframes
from apps.market.domain.candles import Candle, aggregate
from apps.market.domain.sessions import Sessions

HTML = b"<html><body>Will be right back...</body></html>"
FRAMES = {"1m": "1m", "5m": "5m", "15m": "15m", "1d": "1d"}
D = Decimal


def in_session(wall: datetime | None = None) -> datetime:
    """A moment in the middle of the last session that is over by now."""
    wall = wall or wall_now()
    days = ExchangeSessions().sessions("XNYS", (wall - timedelta(days=10)).date(), wall.date())
    over = [day for day in days if day.close_at < wall]
    return over[-1].open_at + timedelta(hours=2, minutes=7, seconds=13)


class StockWorld:
    """Prices of stocks by minute."""

    def __init__(self, symbols: tuple[str, ...] = ("AAPL/USD", "MSFT/USD"), now: datetime | None = None) -> None:
        self.now = now or in_session()
        self.symbols = symbols
        first, last = (self.now - timedelta(days=90)).date(), (self.now + timedelta(days=5)).date()
        self.sessions = Sessions(ExchangeSessions().sessions("XNYS", first, last))
        self.fault = ""
        self.asked: list[str] = []
        self.lost: set[datetime] = set()  # minutes that are not sent
        self.spoiled: dict[datetime, D] = {}  # minutes whose prices are sent times this
        self.splits: dict[int, tuple[int, int]] = {}
        self.currency = "USD"

    def candle(self, symbol: str, open_at: datetime) -> Candle:
        """The bar of one minute, at the price of a share."""
        index = int(open_at.timestamp()) // 60 % 400_000
        for back in range(20):
            bar = simulated_market.candle(
                seed=4, symbol="SOL/USDT", source=simulated_market.SOURCES[0], index=index - back
            )
            if bar is not None:
                times = self.spoiled.get(open_at, D(1))
                prices = [round(price * times, 2) for price in (bar.open, bar.high, bar.low, bar.close)]
                return Candle(symbol, "", "1m", open_at, *prices, volume=D(int(bar.volume) + 100))
        raise LookupError(f"no bar near {index}")

    def bars(self, symbol: str, frame: str, first: datetime, last: datetime) -> list[Candle]:
        """The bars that open in a span and not after now."""
        last = min(last, self.now)
        if frame == "1d":
            return [
                self.day(symbol, at)
                for at in self.sessions.opens_between(timeframes.floor_time(first, "1d"), last, "1d")
            ]
        begin = timeframes.floor_time(first, frame)
        minutes = [
            self.candle(symbol, at)
            for at in self.sessions.opens_between(begin, timeframes.floor_time(last, "1m"), "1m")
        ]
        minutes = [bar for bar in minutes if bar.open_at not in self.lost]
        found = minutes if frame == "1m" else aggregate(minutes, frame, {symbol: self.sessions})
        return [bar for bar in found if first <= bar.open_at <= last]

    def day(self, symbol: str, at: datetime) -> Candle:
        """A day drawn from some of its minutes, for speed."""
        opens = self.sessions.opens_between(at, at + timedelta(hours=23, minutes=59), "1m")[::60]
        parts = [self.candle(symbol, each) for each in opens]
        reach = {"high": max(part.high for part in parts), "low": min(part.low for part in parts)}
        return replace(parts[0], timeframe="1d", open_at=opens[0], close=parts[-1].close, **reach)

    def chart(self, symbol: str, query: dict[str, str]) -> dict[str, Any]:
        """The answer to one chart question."""
        frame = query["interval"]
        first, last = (datetime.fromtimestamp(int(query[name]), UTC) for name in ("period1", "period2"))
        bars = self.bars(symbol, FRAMES[frame], first, last)
        quoted = {name: [float(getattr(bar, name)) for bar in bars] for name in ("open", "high", "low", "close")}
        session = self.sessions.status(self.now)
        latest = self.candle(symbol, timeframes.floor_time(self.now, "1m"))
        splits = {
            str(at): {"date": at, "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
            for at, (new, old) in self.splits.items()
        }
        return {
            "meta": {
                "currency": self.currency,
                "symbol": symbol.partition("/")[0],
                "exchangeName": "NMS",
                "instrumentType": "EQUITY",
                "regularMarketTime": int(self.now.timestamp()),
                "regularMarketPrice": float(latest.close),
                "exchangeTimezoneName": "America/New_York",
                "currentTradingPeriod": {
                    "regular": {
                        "start": int(self.now.timestamp()) - 3600,
                        "end": int((session.until or self.now).timestamp()) if session.is_open else 0,
                    }
                },
                "dataGranularity": frame,
            },
            "timestamp": [int(bar.open_at.timestamp()) for bar in bars],
            "events": {"splits": splits} if splits else {},
            "indicators": {
                "quote": [quoted | {"volume": [int(bar.volume) for bar in bars]}],
                "adjclose": [{"adjclose": quoted["close"]}],
            },
        }

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        if path == "/v1/test/getcrumb":
            return 200, b"a-crumb"
        if not path.startswith("/v8/finance/chart/"):
            return 404, b""
        symbol = f"{path.rpartition('/')[2].replace('-', '.')}/USD"
        if symbol not in self.symbols:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return 404, json.dumps({"chart": {"result": None, "error": error}}).encode()
        return 200, json.dumps({"chart": {"result": [self.chart(symbol, query)], "error": None}}).encode()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on the loopback while the block runs; gives the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"world": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def fill_broker(self, broker: Any) -> None:
        """Give the broker's data interface the same prices."""
        frames = {"1m": "1Min", "5m": "5Min", "15m": "15Min", "1d": "1Day"}
        for symbol in self.symbols:
            name = symbol.partition("/")[0]
            latest = self.candle(symbol, timeframes.floor_time(self.now, "1m")).close
            broker.quotes[name] = (latest - D("0.01"), latest + D("0.01"), self.now)
            broker.bars[name] = [
                {
                    "t": f"{bar.open_at:%Y-%m-%dT%H:%M:%SZ}",
                    **{
                        key: float(getattr(bar, long))
                        for key, long in (("o", "open"), ("h", "high"), ("l", "low"), ("c", "close"))
                    },
                    "v": int(bar.volume),
                    "n": 10,
                    "vw": float(bar.close),
                    "frame": theirs,
                }
                for ours, theirs in frames.items()
                for bar in self.bars(symbol, ours, self.now - timedelta(days=60 if ours == "1d" else 12), self.now)
            ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: StockWorld

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.world.asked.append(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        chart = parts.path.startswith("/v8/")
        if self.world.fault == "reset" and chart:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            self.connection.close()
            self.close_connection = True
            return
        broken = {"html": (200, HTML), "down": (503, HTML), "limited": (429, b"Too Many Requests")}
        status, body = broken[self.world.fault] if self.world.fault and chart else self.world.answer(parts.path, query)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's name
