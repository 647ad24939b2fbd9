"""Products and quotients of money at the ledger's scale: computed exactly, then cut toward zero at 18 decimals."""

from decimal import Context, Decimal

from apps.foundation.money import exact

# Two numbers of 36 digits multiply to at most 72.
_EXACT = Context(prec=72)


def times(left: Decimal, right: Decimal) -> Decimal:
    """``left`` x ``right`` cut to 18 decimals. Raises ``ValueError`` where the result has too many digits."""
    return exact(_EXACT.multiply(left, right))


def over(dividend: Decimal, divisor: Decimal) -> Decimal:
    """``dividend`` / ``divisor`` cut to 18 decimals."""
    return exact(_EXACT.divide(dividend, divisor))
