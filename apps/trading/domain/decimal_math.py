"""Products and quotients of money at the ledger's scale: computed exactly, then cut toward zero at 18 decimals."""

from decimal import Decimal, localcontext

from apps.foundation.money import exact

# Two numbers of 36 digits multiply to at most 72.
_DIGITS = 72


def times(left: Decimal, right: Decimal) -> Decimal:
    """``left`` x ``right`` cut to 18 decimals. Raises ``ValueError`` where the result has too many digits."""
    with localcontext() as context:
        context.prec = _DIGITS
        product = left * right
    return exact(product)


def over(dividend: Decimal, divisor: Decimal) -> Decimal:
    """``dividend`` / ``divisor`` cut to 18 decimals."""
    with localcontext() as context:
        context.prec = _DIGITS
        quotient = dividend / divisor
    return exact(quotient)
