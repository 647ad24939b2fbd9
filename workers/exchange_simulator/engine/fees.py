"""What a fill costs and in which asset."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal

from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import Side

_UNIT = Decimal("0.00000001")


def fee_of(
    *,
    account: Account,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    worth: Decimal,
    maker: bool,
    fee_in: str,
    price_of: Callable[[str, str], Decimal | None],
) -> tuple[Decimal, str]:
    """Amount and asset of the fee, cut to eight decimals. ``price_of(asset, quote)`` serves fees in a third asset; they
    fall back to the received asset where there is no price or too little of it, as exchanges do.
    """
    rate = account.maker_rate if maker else account.taker_rate
    wanted = fee_in or account.fee_in
    if wanted == "quote":
        return _cut(worth * rate), instrument.quote
    if wanted != "received":
        price = price_of(wanted, instrument.quote)
        if price:
            fee = _cut(worth * rate / price)
            if account.balance(wanted).free >= fee:
                return fee, wanted
    if side is Side.BUY:
        return _cut(quantity * rate), instrument.base
    return _cut(worth * rate), instrument.quote


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(_UNIT, rounding=ROUND_DOWN)
