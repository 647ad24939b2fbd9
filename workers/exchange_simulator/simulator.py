"""The running exchange: the engine with its clocks, faults, truth log and listeners."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from workers.exchange_simulator import stored_books
from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.depth import Depth
from workers.exchange_simulator.engine.events import BalanceEvent, Event, ListEvent, OrderEvent
from workers.exchange_simulator.engine.exchange import Exchange
from workers.exchange_simulator.engine.market import Market
from workers.exchange_simulator.engine.price_feed import PriceFeed
from workers.exchange_simulator.faults import FaultBoard
from workers.exchange_simulator.truth_log import TruthLog

Listener = Callable[[list[Event]], None]


@dataclass(slots=True)
class MarketClock:
    """Market time: stands still with speed 0, else runs ``speed`` times as fast as the wall from its start."""

    market_ms: int
    speed: float
    _wall_ms: int = 0
    _from_ms: int = 0

    def read(self, wall_ms: int) -> int:
        """Market time at this wall time."""
        if not self._wall_ms:
            self._wall_ms, self._from_ms = wall_ms, self.market_ms
        if self.speed:
            self.market_ms = self._from_ms + int((wall_ms - self._wall_ms) * self.speed)
        return self.market_ms

    def put(self, market_ms: int, wall_ms: int) -> None:
        """Go on from another market time."""
        self.market_ms = self._from_ms = market_ms
        self._wall_ms = wall_ms


@dataclass(slots=True)
class Simulator:
    """``wall_ms`` reads the real clock; the exchange's own clock is that plus ``skew_ms``."""

    exchange: Exchange
    clock: MarketClock
    wall_ms: Callable[[], int]
    board: FaultBoard
    truth: TruthLog
    keys: dict[str, Account]
    skew_ms: int = 0
    frozen: dict[str, int] = field(default_factory=dict)  # symbol: wall time until which its market data stands still
    stale: dict[str, dict[str, Any]] = field(default_factory=dict)  # the answers given meanwhile
    listeners: list[Listener] = field(default_factory=list)
    told_bar: int = 0  # the bar that the truth log knows of, so that a restart goes on from there

    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.wall_ms() + self.skew_ms

    def advance(self) -> None:
        """Let market time catch up with the wall."""
        market_ms = self.clock.read(self.wall_ms())
        self.exchange.advance(market_ms, self.now_ms())
        self.publish()
        bar = market_ms // next(iter(self.exchange.markets.values())).feed.bar_ms
        if bar != self.told_bar:
            self.told_bar = bar
            self.truth.add("clock", self.now_ms(), {"market_ms": market_ms})

    def publish(self) -> None:
        """Write what happened to the truth log, then tell the streams."""
        events = self.exchange.drain()
        if not events:
            return
        for event in events:
            self._record(event)
        for listener in self.listeners:
            listener(events)

    def add_account(self, account: Account) -> None:
        """Open an account (again with its stored balances after a restart)."""
        known = self.exchange.accounts.get(account.name)
        if known is not None:
            self.keys.pop(known.key, None)
            account.balances = known.balances
        self.exchange.accounts[account.name] = account
        self.keys[account.key] = account
        if known is None:
            self.truth.add("account", self.now_ms(), {"account": account.name})
            for asset in account.balances:
                self.truth.add("balance", self.now_ms(), stored_books.balance_fields(account, asset))

    def _record(self, event: Event) -> None:
        if isinstance(event, OrderEvent):
            if event.trade is not None:
                self.truth.add("fill", event.at_ms, stored_books.trade_fields(event.trade))
            self.truth.add("order", event.at_ms, {"change": event.kind, **stored_books.order_fields(event.order)})
        elif isinstance(event, BalanceEvent):
            for asset in event.assets:
                fields = stored_books.balance_fields(event.account, asset)
                self.truth.add("balance", event.at_ms, {**fields, "outside": event.outside})
        elif isinstance(event, ListEvent):
            self.truth.add("list", event.at_ms, stored_books.list_fields(event.order_list))


def build_exchange(
    feed: PriceFeed, market_ms: int, *, seed: int, level_value: Decimal, spread_bps: Decimal
) -> Exchange:
    """All markets of the feed, their prices set to ``market_ms``."""
    markets = {}
    for instrument in feed.instruments():
        market = Market(instrument, feed, Depth(instrument, seed, level_value, spread_bps), market_ms)
        market.start()
        markets[instrument.symbol] = market
    return Exchange(accounts={}, markets=markets)
