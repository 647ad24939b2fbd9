"""When a watched stop counts as hit. Pure."""

from decimal import Decimal


def stop_is_hit(*, side: str, stop_price: Decimal, low: Decimal, high: Decimal) -> bool:
    """A sell stop is hit when the market trades at or below its price, a buy stop at or above."""
    return low <= stop_price if side == "sell" else high >= stop_price
