"""What the fee of a trade does to position and cost. Pure Decimal arithmetic at the ledger's scale."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import ZERO
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.books.decimal_math import times


@dataclass(frozen=True, slots=True)
class TradeFee:
    """``units``: by how much the position moves. ``in_quote``: what the fee cost in the quote currency.

    ``in_base`` and ``in_other``: the fee itself where it was taken in units of the base or in a third asset. A fee in
    the base is worth its units at the trade's price; one in a third asset costs this position nothing and is posted
    against what is held of that asset, which may be a position of its own.
    """

    units: Decimal
    in_quote: Decimal
    in_base: Decimal = ZERO
    in_other: Decimal = ZERO


def fee_of_trade(
    *, symbol: str, side: str, quantity: Decimal, price: Decimal, fee: Decimal, fee_asset: str
) -> TradeFee:
    """How the fee is borne. A negative fee is a rebate."""
    base, quote = split_symbol(symbol)
    if fee_asset == quote:
        return TradeFee(units=quantity, in_quote=fee)
    if fee_asset != base:
        return TradeFee(units=quantity, in_quote=ZERO, in_other=fee)
    paid, units = times(quantity, price), quantity - fee if side == "buy" else quantity + fee
    worth = paid - times(units, price) if side == "buy" else times(units, price) - paid
    return TradeFee(units=units, in_quote=worth, in_base=fee)
