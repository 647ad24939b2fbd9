"""What may be traded and in which steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

DEFAULT_MIN_NOTIONAL = Decimal(5)
STOCK_CURRENCY = "USD"
STOCK_CALENDAR = "XNYS"  # New York and Nasdaq keep the same sessions
_FINEST = 12  # decimals; below it a recorded digit is noise of the source


@dataclass(frozen=True, slots=True)
class InstrumentRules:
    """Rules of one instrument. ``assumed`` names the fields that no exchange stated; empty when all are the exchange's
    own. ``calendar``: the ISO 10383 code of the exchange whose sessions it keeps; empty: it trades at all hours.
    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    assumed: tuple[str, ...] = ()
    calendar: str = ""


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of ``BASE/QUOTE``; ``ValueError`` otherwise."""
    base, slash, quote = symbol.partition("/")
    if not slash or not base.replace(".", "").isalnum() or not quote.isalnum() or symbol != symbol.upper():
        raise ValueError(f"{symbol!r} is no instrument; write BASE/QUOTE in capitals, such as BTC/USDT.")
    return base, quote


def full_symbol(word: str) -> str:
    """``AAPL/USD`` for the stock ``AAPL``; a pair, with or without a suffix, stays as it is.

    Raises ``ValueError`` that quotes a word which is neither.
    """
    symbol = word if "/" in word else f"{word}/{STOCK_CURRENCY}"
    try:
        split_symbol(word.partition("-")[0] if "/" in word else symbol)
    except ValueError:
        told = "write BASE/QUOTE in capitals, such as BTC/USDT, or the letters of a US stock, such as AAPL."
        raise ValueError(f"{word!r} is no instrument; {told}") from None
    return symbol


def assumed_rules(symbol: str, *, prices: Iterable[Decimal], volumes: Iterable[Decimal]) -> InstrumentRules:
    """Rules read off recorded candles: the finest price and volume digits that occur are taken as tick and step."""
    base, quote = split_symbol(symbol)
    step = _finest_step(volumes)
    return InstrumentRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=_finest_step(prices),
        step_size=step,
        min_quantity=step,
        min_notional=DEFAULT_MIN_NOTIONAL,
        assumed=("tick_size", "step_size", "min_quantity", "min_notional"),
    )


def _finest_step(values: Iterable[Decimal]) -> Decimal:
    exponents = (value.normalize().as_tuple().exponent for value in values if value)
    decimals = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return Decimal(1).scaleb(-min(max(decimals, 0), _FINEST))
