"""From an intent to exact numbers: quantity on the step grid, value at the mark, funds needed at worst. Pure."""

from decimal import Decimal

from apps.foundation.money import BASIS_POINT, ZERO, exact, floor_to
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.fees import with_fee
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.risk.gate_facts import OrderFacts


def priced(
    intent: OrderIntent,
    *,
    base: str,
    quote: str,
    step: Decimal,
    mark: Decimal | None,
    collar_bps: Decimal,
    fee_bps: Decimal,
    budget: str = FIRM,
) -> OrderFacts:
    """The order as the gate judges it, paid by ``budget``. ``value`` and ``needs`` are None where no price is known.

    A notional becomes a quantity at the order's own price, else at the mark, rounded down to the step; a quantity is
    taken as it is. A buy needs its worst price with fee: the limit, or stop or mark plus the collar; a sale its units.
    """
    own_price = intent.limit_price if intent.limit_price is not None else intent.stop_price
    quantity = _quantity(intent, step, own_price if own_price is not None else mark)
    buying = intent.side == "buy"
    return OrderFacts(
        symbol=intent.symbol,
        base=base,
        side=intent.side,
        type=intent.type,
        origin=intent.origin,
        reduce_only=intent.reduce_only,
        privileged=intent.privileged,
        quantity=quantity,
        price=own_price,
        value=_value(intent, quantity, mark),
        needs=_needed_money(intent, quantity, mark, collar_bps, fee_bps) if buying else quantity,
        needs_asset=quote if buying else base,
        expected_edge_bps=intent.expected_edge_bps,
        budget=budget,
        trigger=intent.stop_price,
    )


def _quantity(intent: OrderIntent, step: Decimal, price: Decimal | None) -> Decimal:
    if intent.quantity is not None:
        return exact(intent.quantity)
    if price is None or intent.notional is None:
        return ZERO
    return floor_to(over(intent.notional, price), step)


def _value(intent: OrderIntent, quantity: Decimal, mark: Decimal | None) -> Decimal | None:
    if mark is None:
        return None
    above = intent.stop_price if intent.side == "buy" and intent.stop_price is not None else mark
    return times(quantity, max(mark, above))


def _needed_money(
    intent: OrderIntent, quantity: Decimal, mark: Decimal | None, collar_bps: Decimal, fee_bps: Decimal
) -> Decimal | None:
    if intent.limit_price is not None:
        worst: Decimal | None = intent.limit_price
    else:
        reference = intent.stop_price if intent.stop_price is not None else mark
        worst = None if reference is None else times(reference, 1 + collar_bps * BASIS_POINT)
    return None if worst is None else with_fee(times(quantity, worst), fee_bps)
