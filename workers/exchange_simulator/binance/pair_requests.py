"""The two forms of Binance's OCO: the older ``order/oco`` and ``orderList/oco``."""

from dataclasses import replace

from workers.exchange_simulator.binance.errors import missing
from workers.exchange_simulator.binance.order_requests import amount, client_id, order_request, side_of
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import OrderRequest, OrderType, Side


def old_pair(params: dict[str, str], instrument: Instrument) -> tuple[OrderRequest, OrderRequest]:
    """Limit-maker leg and stop leg of ``POST order/oco``; raises ``Declined``."""
    side, quantity = side_of(params), amount(params, "quantity")
    price, stop = amount(params, "price"), amount(params, "stopPrice")
    for name, value in (("quantity", quantity), ("price", price), ("stopPrice", stop)):
        if value is None:
            raise missing(name)
    limit = amount(params, "stopLimitPrice")
    first = OrderRequest(
        instrument.symbol,
        side,
        OrderType.LIMIT,
        quantity,
        price=price,
        post_only=True,
        client_id=client_id(params, "limitClientOrderId"),
    )
    second = OrderRequest(
        instrument.symbol,
        side,
        OrderType.STOP if limit is None else OrderType.STOP_LIMIT,
        quantity,
        price=limit,
        stop_price=stop,
        client_id=client_id(params, "stopClientOrderId"),
    )
    return first, second


def new_pair(params: dict[str, str], instrument: Instrument) -> tuple[OrderRequest, OrderRequest]:
    """Both legs of ``POST orderList/oco``, the limit (or take-profit) leg first; raises ``Declined``."""
    side = side_of(params)
    legs = {where: _leg(params, where, instrument) for where in ("above", "below")}
    limit, stop = ("above", "below") if side is Side.SELL else ("below", "above")
    return legs[limit], replace(legs[stop], side=side)


def _leg(params: dict[str, str], where: str, instrument: Instrument) -> OrderRequest:
    if f"{where}Type" not in params:
        raise missing(f"{where}Type")
    names = {
        "type": f"{where}Type",
        "price": f"{where}Price",
        "stopPrice": f"{where}StopPrice",
        "trailingDelta": f"{where}TrailingDelta",
        "timeInForce": f"{where}TimeInForce",
        "newClientOrderId": f"{where}ClientOrderId",
    }
    leg = {short: params[long] for short, long in names.items() if long in params}
    return order_request({**leg, "side": params["side"], "quantity": params.get("quantity", "")}, instrument)
