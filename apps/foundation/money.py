"""Decimal helpers: scale, rounding to tick and step, always to the safe side. Pure."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal, InvalidOperation, localcontext

SCALE = 18
DIGITS = 36
ZERO = Decimal(0)
ONE_UNIT = Decimal(1).scaleb(-SCALE)
BASIS_POINT = Decimal("0.0001")


def exact(value: Decimal | str | int) -> Decimal:
    """``value`` at the ledger's fixed scale of 18 decimals, cut toward zero.

    Raises ``ValueError`` for NaN, infinity, nonsense or more than 36 digits. Floats are refused by type: money never was one.
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
    with localcontext() as context:
        context.prec = DIGITS + SCALE
        return number.quantize(ONE_UNIT, rounding=ROUND_DOWN)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``value``."""
    return _to_multiple(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` that is not below ``value``."""
    return _to_multiple(value, step, ROUND_CEILING)


def _to_multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        raise ValueError(f"A step must be positive, was {step}.")
    with localcontext() as context:
        context.prec = DIGITS + SCALE
        return (value / step).to_integral_value(rounding=rounding) * step


def plain(value: Decimal | None) -> str | None:
    """The number as the API writes it: no exponent, no trailing zeros; None stays None."""
    if value is None:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
