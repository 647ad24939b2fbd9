"""Decimal helpers: scale, rounding to tick and step, always to the safe side. Pure."""

import decimal
from contextlib import AbstractContextManager
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Context, Decimal, InvalidOperation

SCALE = 18
DIGITS = 36
ZERO = Decimal(0)
ONE_UNIT = Decimal(1).scaleb(-SCALE)
BASIS_POINT = Decimal("0.0001")
PRECISION = DIGITS + SCALE  # digits that hold a sum of amounts and an amount times a rate without a cut
# Asked by name: entering a context for one product takes ten times as long as the product.
_WIDE = Context(prec=PRECISION)


def widen_precision() -> None:
    """Have this thread and every later one compute with 54 digits; Python's 28 would cut sums of large amounts."""
    decimal.DefaultContext.prec = PRECISION
    decimal.getcontext().prec = PRECISION


def widened() -> AbstractContextManager[Context]:
    """The same for what runs inside it, in a process that has not widened itself."""
    return decimal.localcontext(prec=PRECISION)


def exact(value: Decimal | str | int) -> Decimal:
    """``value`` at the ledger's fixed scale of 18 decimals, cut toward zero.

    Raises ``ValueError`` for NaN, infinity, nonsense or over 18 digits before the point, ``TypeError`` for a float.
    """
    if isinstance(value, float):
        raise TypeError("Money is never a float; pass a string or a Decimal.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a decimal number.") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number.")
    if number and number.adjusted() >= DIGITS - SCALE:
        raise ValueError(f"{value!r} has more than {DIGITS - SCALE} digits before the point.")
    return number.quantize(ONE_UNIT, rounding=ROUND_DOWN, context=_WIDE)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``value``."""
    return _to_multiple(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` that is not below ``value``."""
    return _to_multiple(value, step, ROUND_CEILING)


def _to_multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        raise ValueError(f"A step must be positive, was {step}.")
    return _WIDE.multiply(_WIDE.divide(value, step).to_integral_value(rounding=rounding), step)


def plain(value: Decimal | None) -> str | None:
    """The number as the API writes it: no exponent, no trailing zeros; None stays None."""
    if value is None:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
