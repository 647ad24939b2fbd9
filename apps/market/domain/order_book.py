"""Levels of one source's order book."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """``bids`` from the highest, ``asks`` from the lowest, each (price, quantity); quantity None where nobody recorded
    one.
    """

    symbol: str
    source: str
    as_of: datetime
    bids: tuple[tuple[Decimal, Decimal | None], ...]
    asks: tuple[tuple[Decimal, Decimal | None], ...]
    assumed: str  # the assumption behind the levels in words; empty for a real book
