"""Fills and orders by an exchange's stream. It may drop, repeat and shuffle: it only makes the books quicker."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import Future
from threading import Lock
from typing import Any

import structlog

from apps.trading.adapters.ccxt_answers import Nonsense, Reading, fill_of, report_of, time_of
from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.ccxt_connection import CcxtConnection
from apps.trading.adapters.ccxt_dialects import Dialect
from apps.trading.adapters.ccxt_errors import short
from apps.trading.adapters.venue_event_loop import start
from apps.trading.ports import VenueFill, VenueNews, VenueReport

KEPT = 5_000  # pieces of news that wait at most; the oldest give way, and reads find what they told
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
log = structlog.get_logger(__name__)
_errors = library_errors()


class CcxtStream:
    """Two watches, of trades and of orders, that reconnect by themselves."""

    def __init__(self, connection: CcxtConnection, reading: Reading, dialect: Dialect) -> None:
        self._dialect = dialect
        self._connection = connection
        self._reading = reading
        self._lock = Lock()
        self._fills: deque[VenueFill] = deque(maxlen=KEPT)
        self._reports: deque[VenueReport] = deque(maxlen=KEPT)
        self._bad: deque[Mapping[str, Any]] = deque(maxlen=KEPT)
        self._working: OrderedDict[Any, dict[str, Any]] = OrderedDict()  # orders as far as they were told
        self._watches: list[Future[None]] = []

    def start(self) -> None:
        """Begin to listen, once."""
        with self._lock:
            if not self._watches:
                self._watches = [
                    start(lambda: self._watch("watch_my_trades", "watchMyTrades", self._take_trade)),
                    start(lambda: self._watch("watch_orders", "watchOrders", self._take_order)),
                ]

    def stop(self) -> None:
        """Stop listening."""
        with self._lock:
            for watch in self._watches:
                watch.cancel()
            self._watches = []

    def take(self) -> VenueNews:
        """What came in since the last call."""
        with self._lock:
            news = VenueNews(tuple(self._fills), tuple(self._reports), tuple(self._bad))
            self._fills.clear()
            self._reports.clear()
            self._bad.clear()
        return news

    async def _watch(self, method: str, ability: str, take: Any) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                client = await self._connection.client()
                if not client.has.get(ability):
                    return
                for each in await getattr(client, method)():
                    take(each)
                wait = FIRST_WAIT
            except (_errors.BaseError, OSError, TypeError, KeyError, AttributeError, ValueError) as error:
                log.info("venue_stream_broke", exchange=self._connection.exchange, stream=method, reason=short(error))
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)

    def _take_trade(self, trade: Mapping[str, Any]) -> None:
        told = trade.get("info")
        where = self._dialect.client_id_in_trades
        named = str(told.get(where) or "") if isinstance(told, Mapping) and where else ""
        self._keep(self._fills, lambda: fill_of(trade, self._reading, client_id=named))

    def _take_order(self, order: Mapping[str, Any]) -> None:
        whole = self._with_what_was_told(order)

        def read() -> VenueReport:
            return report_of(whole, self._reading, accepted=self._reading.firm_time(time_of(whole)))

        self._keep(self._reports, read)

    def _with_what_was_told(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """A later frame may name an order by its id alone, and state only what has changed."""
        told = self._dialect.streamed_order(order)
        known = self._working.pop(told.get("id"), {})
        whole = {**known, **{name: value for name, value in told.items() if value is not None}}
        if whole.get("status") == "open":
            self._working[whole.get("id")] = whole
            if len(self._working) > KEPT:
                self._working.popitem(last=False)
        return whole

    def _keep(self, where: deque[Any], read: Any) -> None:
        try:
            found = read()
        except Nonsense as nonsense:
            with self._lock:
                self._bad.append({"problem": str(nonsense), **nonsense.facts})
            return
        with self._lock:
            where.append(found)
