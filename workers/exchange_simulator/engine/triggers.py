"""When a waiting stop becomes a live order, also when it trails the price."""

from decimal import Decimal

from workers.exchange_simulator.engine.order_checks import reaches
from workers.exchange_simulator.engine.orders import Order, Side


def is_triggered(order: Order, price: Decimal) -> bool:
    """Judge one price; a trailing order first follows it, from its ``stop_price`` on where it has one."""
    if not order.trailing:
        return order.stop_price is not None and reaches(order.type, order.side, order.stop_price, price)
    if order.trail_extreme is None:
        if order.stop_price is None or reaches(order.type, order.side, order.stop_price, price):
            order.trail_extreme = price
        return False
    if order.side is Side.SELL:
        order.trail_extreme = max(order.trail_extreme, price)
        return price <= order.trail_extreme - _distance(order, order.trail_extreme)
    order.trail_extreme = min(order.trail_extreme, price)
    return price >= order.trail_extreme + _distance(order, order.trail_extreme)


def _distance(order: Order, extreme: Decimal) -> Decimal:
    if order.trailing_bps is not None:
        return extreme * order.trailing_bps / 10_000
    return order.trailing_distance or Decimal(0)
