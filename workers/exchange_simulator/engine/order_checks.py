"""The exchange's filters: what an order must satisfy before anything else is looked at."""

from collections.abc import Iterable
from decimal import Decimal

from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import PRICED, WAITING, Order, OrderRequest, OrderType, Side
from workers.exchange_simulator.engine.rejections import Reason, Rejection


def check_filters(request: OrderRequest, instrument: Instrument, price: Decimal, open_orders: Iterable[Order]) -> None:
    """Raise ``Rejection`` for the first filter that the request breaks; ``price`` is the market's."""
    if not instrument.trading:
        raise Rejection(Reason.MARKET_CLOSED)
    if price <= 0:
        raise Rejection(Reason.NO_PRICE)
    for stated in (request.price if request.type in PRICED else None, request.stop_price):
        if stated is not None:
            _check_price(stated, instrument, price)
    if request.quantity is not None:
        _check_quantity(request.quantity, instrument)
    _check_notional(request, instrument, price)
    _check_counts(request, instrument, open_orders)


def check_trigger(request: OrderRequest, price: Decimal) -> None:
    """A stop that the price has passed already is refused."""
    if request.type not in WAITING or request.stop_price is None or request.trailing_bps or request.trailing_distance:
        return
    if reaches(request.type, request.side, request.stop_price, price):
        raise Rejection(Reason.WOULD_TRIGGER)


def reaches(kind: OrderType, side: Side, stop_price: Decimal, price: Decimal) -> bool:
    """Is a stop or take-profit order of this side triggered at this price?"""
    upward = (kind in {OrderType.STOP, OrderType.STOP_LIMIT}) == (side is Side.BUY)
    return price >= stop_price if upward else price <= stop_price


def _check_price(stated: Decimal, instrument: Instrument, price: Decimal) -> None:
    if stated < instrument.tick_size or stated % instrument.tick_size:
        raise Rejection(Reason.PRICE_FILTER)
    if not price * instrument.price_down <= stated <= price * instrument.price_up:
        raise Rejection(Reason.PERCENT_PRICE)


def _check_quantity(quantity: Decimal, instrument: Instrument) -> None:
    if not instrument.min_quantity <= quantity <= instrument.max_quantity or quantity % instrument.step_size:
        raise Rejection(Reason.LOT_SIZE)


def _check_notional(request: OrderRequest, instrument: Instrument, price: Decimal) -> None:
    if request.quote_quantity is not None:
        worth = request.quote_quantity
    else:
        at = request.price if request.type in PRICED and request.price is not None else request.stop_price or price
        worth = (request.quantity or Decimal(0)) * at
    if not instrument.min_notional <= worth <= instrument.max_notional:
        raise Rejection(Reason.NOTIONAL)


def _check_counts(request: OrderRequest, instrument: Instrument, open_orders: Iterable[Order]) -> None:
    if request.type is OrderType.MARKET:
        return
    held = list(open_orders)
    if len(held) >= instrument.max_orders:
        raise Rejection(Reason.MAX_ORDERS)
    if request.type in WAITING and sum(order.type in WAITING for order in held) >= instrument.max_stop_orders:
        raise Rejection(Reason.MAX_STOP_ORDERS)
