"""The liquidity that others are taken to offer around the price: levels of a size drawn from the seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from zlib import crc32

from apps.foundation.money import ceil_to, floor_to
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import ZERO, Side

LEVELS = 100


@dataclass(slots=True)
class Depth:
    """One instrument's book at one price. What is taken from a level is gone until the price moves on.

    ``level_value`` is the mean worth of one level in the quote asset, ``spread_bps`` the distance of bid and ask.
    """

    instrument: Instrument
    seed: int
    level_value: Decimal
    spread_bps: Decimal
    price: Decimal = ZERO
    moment: int = 0
    taken: dict[tuple[Side, int], Decimal] = field(default_factory=dict)

    def move(self, price: Decimal, moment: int) -> None:
        """A new price point; the levels are full again."""
        self.price, self.moment = price, moment
        if self.taken:
            self.taken.clear()

    def best_bid(self) -> Decimal:
        return max(floor_to(self.price - self._half_spread(), self.instrument.tick_size), self.instrument.tick_size)

    def best_ask(self) -> Decimal:
        return ceil_to(self.price + self._half_spread(), self.instrument.tick_size)

    def levels(self, side: Side) -> Iterator[tuple[int, Decimal, Decimal]]:
        """Number, price and what is left, of the offers (``BUY`` takes them) or the bids (``SELL``), best first."""
        tick = self.instrument.tick_size
        stride = max(tick, floor_to(self.price / 20_000, tick))
        best, direction = (self.best_ask(), 1) if side is Side.BUY else (self.best_bid(), -1)
        for number in range(LEVELS):
            price = best + direction * number * stride
            if price <= 0:
                return
            left = self._size(side, number, price) - self.taken.get((side, number), ZERO)
            if left > 0:
                yield number, price, left

    def take(self, side: Side, number: int, quantity: Decimal) -> None:
        self.taken[side, number] = self.taken.get((side, number), ZERO) + quantity

    def _half_spread(self) -> Decimal:
        return self.price * self.spread_bps / 20_000

    def _size(self, side: Side, number: int, price: Decimal) -> Decimal:
        draw = crc32(f"{self.seed}|{self.instrument.symbol}|{self.moment}|{side}|{number}".encode()) % 1_000
        value = self.level_value * (500 + draw) / 1_000
        return max(floor_to(value / price, self.instrument.step_size), self.instrument.step_size)
