"""One instrument's market: the price as market time passes, its bars, its public trades."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from workers.exchange_simulator.engine.depth import Depth
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import ZERO
from workers.exchange_simulator.engine.price_feed import Bar, PriceFeed, knots, price_at

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class PublicTrade:
    id: int
    at_ms: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass(slots=True)
class Market:
    """``scale`` lifts every price of the feed (a price jump); ``pinned`` holds the price still."""

    instrument: Instrument
    feed: PriceFeed
    depth: Depth
    now_ms: int
    price: Decimal = ZERO
    scale: Decimal = ONE
    pinned: Decimal | None = None
    observed: Bar | None = None  # the bar in progress, as it was traded
    bars: dict[int, Bar] = field(default_factory=dict)  # bars that differed from the feed's
    trades: deque[PublicTrade] = field(default_factory=lambda: deque(maxlen=1_000))
    moves: int = 0
    _merged: dict[tuple[int, int], Bar] = field(default_factory=dict)

    def start(self) -> None:
        """Set the first price; the feed must have a bar at or before ``now_ms``."""
        bar = self._bar_at(self.now_ms)
        if bar is not None:
            price = price_at(bar, self.feed.bar_ms, self.now_ms, self._tick)
            self._move(self.now_ms, self.pinned or self._on_tick(price * self.scale), ZERO)

    def advance(self, to_ms: int) -> Iterator[tuple[int, Decimal]]:
        """Let market time pass; yields each new price after the book has moved to it."""
        while self.now_ms < to_ms:
            start = self.now_ms - self.now_ms % self.feed.bar_ms
            until = min(to_ms, start + self.feed.bar_ms)
            bar = self._feed_bar(start)
            if bar is not None:
                yield from self._inside(bar, until)
            self.now_ms = until
            if until == start + self.feed.bar_ms:
                self._close_bar()

    def set_price(self, price: Decimal, *, hold: bool) -> None:
        """Put the price where it is wanted; it goes on from there with the feed's moves, or stays when held."""
        self.pinned = price if hold else None
        if self.price > 0:
            self.scale = self.scale * price / self.price
        self._move(self.now_ms, price, self.instrument.step_size)

    def let_go(self) -> None:
        """End a held price; the feed's own prices return."""
        self.pinned, self.scale = None, ONE

    def history(self, length_ms: int, until_ms: int, count: int) -> list[Bar]:
        """The newest ``count`` bars of ``length_ms`` that open at or before ``until_ms``, the one in progress last."""
        found: list[Bar] = []
        open_ms = until_ms - until_ms % length_ms
        while len(found) < count and open_ms >= self.feed.first_ms - length_ms:
            merged = self.merged(open_ms, length_ms)
            if merged is not None:
                found.append(merged)
            open_ms -= length_ms
        return found[::-1]

    def merged(self, open_ms: int, length_ms: int) -> Bar | None:
        """One coarser bar from what has been traded so far; a closed one is kept, since it never changes."""
        known = self._merged.get((open_ms, length_ms))
        if known is not None:
            return known
        made = self._merge(open_ms, length_ms)
        if made is not None and open_ms + length_ms <= self.now_ms and length_ms > self.feed.bar_ms:
            self._merged[open_ms, length_ms] = made
        return made

    def _merge(self, open_ms: int, length_ms: int) -> Bar | None:
        parts = [
            bar
            for at in range(open_ms, min(open_ms + length_ms, self.now_ms + 1), self.feed.bar_ms)
            if (bar := self.bar(at)) is not None
        ]
        if not parts:
            return None
        return Bar(
            open_ms,
            parts[0].open,
            max(bar.high for bar in parts),
            min(bar.low for bar in parts),
            parts[-1].close,
            sum((bar.volume for bar in parts), ZERO),
        )

    def bar(self, open_ms: int) -> Bar | None:
        """The bar as it was traded here, in progress or closed; None for the future and for gaps."""
        if self.observed is not None and self.observed.open_ms == open_ms:
            return self.observed
        if open_ms > self.now_ms:
            return None
        return self.bars.get(open_ms) or self.feed.bar(self.instrument.symbol, open_ms)

    @property
    def _tick(self) -> Decimal:
        return self.instrument.tick_size

    def _on_tick(self, price: Decimal) -> Decimal:
        return max(round(price / self._tick) * self._tick, self._tick)

    def _bar_at(self, at_ms: int) -> Bar | None:
        start = at_ms - at_ms % self.feed.bar_ms
        for back in range(10_000):
            bar = self._feed_bar(start - back * self.feed.bar_ms)
            if bar is not None:
                return bar
        return None

    def _feed_bar(self, open_ms: int) -> Bar | None:
        return self.feed.bar(self.instrument.symbol, open_ms)

    def _inside(self, bar: Bar, until: int) -> Iterator[tuple[int, Decimal]]:
        points = [(at, price) for at, price in knots(bar, self.feed.bar_ms) if self.now_ms <= at < until]
        if not points or points[-1][0] < until - 1:
            points.append((until - 1, price_at(bar, self.feed.bar_ms, until - 1, self._tick)))
        volume = bar.volume * (until - self.now_ms) / self.feed.bar_ms / len(points)
        for at, price in points:
            self._move(at, self.pinned or self._on_tick(price * self.scale), volume)
            yield at, self.price

    def _move(self, at_ms: int, price: Decimal, volume: Decimal) -> None:
        self.moves += 1
        rising = price >= self.price
        self.price = price
        self.depth.move(price, self.moves)
        self._observe(at_ms, price, volume)
        quantity = self.instrument.on_step(volume)
        if quantity > 0:
            self.trades.append(PublicTrade(self.moves, at_ms, price, quantity, not rising))

    def _observe(self, at_ms: int, price: Decimal, volume: Decimal) -> None:
        start = at_ms - at_ms % self.feed.bar_ms
        seen = self.observed
        if seen is None or seen.open_ms != start:
            self.observed = Bar(start, price, price, price, price, volume)
        else:
            self.observed = Bar(
                start, seen.open, max(seen.high, price), min(seen.low, price), price, seen.volume + volume
            )

    def _close_bar(self) -> None:
        """Keep the bar where it differs from the feed's own; the volume of an undisturbed one is the feed's."""
        seen, self.observed = self.observed, None
        if seen is None:
            return
        own = self._feed_bar(seen.open_ms)
        if own is None or (seen.open, seen.high, seen.low, seen.close) != (own.open, own.high, own.low, own.close):
            self.bars[seen.open_ms] = seen
