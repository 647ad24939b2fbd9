"""What is traded, in which steps and within which limits."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import floor_to


@dataclass(slots=True)
class Instrument:
    """Rules of one pair. Changed in place when the exchange changes its filters in the middle of a session."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal = Decimal(1_000_000_000)
    max_notional: Decimal = Decimal(9_000_000)
    price_up: Decimal = Decimal(5)  # a buy may cost at most this multiple of the price, a sale the same
    price_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_stop_orders: int = 5
    trading: bool = True

    @property
    def pair(self) -> str:
        """The name without the slash: ``BTCUSDT``."""
        return self.base + self.quote

    def on_step(self, quantity: Decimal) -> Decimal:
        """The quantity cut down to whole steps."""
        return floor_to(quantity, self.step_size)

    def price_decimals(self) -> int:
        return _decimals(self.tick_size)

    def quantity_decimals(self) -> int:
        return _decimals(self.step_size)


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
