"""What a trade costs: the venue's stated fee, and the price of going in and out again. Pure."""

from decimal import Decimal

from apps.foundation.money import BASIS_POINT
from apps.trading.domain.books.decimal_math import times


def fee_of(cost: Decimal, fee_bps: Decimal) -> Decimal:
    """The fee on ``cost`` in the quote currency."""
    return times(cost, fee_bps * BASIS_POINT)


def with_fee(cost: Decimal, fee_bps: Decimal) -> Decimal:
    """``cost`` and its fee together."""
    return cost + fee_of(cost, fee_bps)


def round_trip_bps(fee_bps: float, spread_bps: float) -> float:
    """Fees both ways and one spread, in basis points of the amount traded. Scalar floats: backtests compile it."""
    return 2.0 * fee_bps + spread_bps
