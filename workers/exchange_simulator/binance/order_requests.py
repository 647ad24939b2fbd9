"""Binance's order parameters, checked as Binance checks them, as a request for the engine."""

import re
from decimal import Decimal, InvalidOperation

from workers.exchange_simulator.binance.errors import declined, malformed, missing
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import PRICED, WAITING, OrderRequest, OrderType, Side

_CLIENT_ID = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
_DIGITS = 8


def amount(params: dict[str, str], name: str) -> Decimal | None:
    """A positive decimal parameter, None where it is absent; raises ``Declined`` -1100, -1111 or -1013."""
    given = params.get(name)
    if given is None or given == "":
        return None
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise malformed(name) from None
    if not value.is_finite():
        raise malformed(name)
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _DIGITS:
        raise declined(-1111, f"Parameter '{name}' has too much precision.")
    if value <= 0:
        raise declined(-1013, f"Invalid {name}.") if name != "stopPrice" else malformed(name)
    return value


def client_id(params: dict[str, str], name: str) -> str:
    """A client's own id; raises ``Declined`` for one that Binance's pattern refuses."""
    given = params.get(name, "")
    if given and not _CLIENT_ID.match(given):
        raise declined(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'.",
        )
    return given


def side_of(params: dict[str, str]) -> Side:
    if not params.get("side"):
        raise missing("side")
    if params["side"] not in {"BUY", "SELL"}:
        raise declined(-1117, "Invalid side.")
    return Side(params["side"].lower())


def order_request(params: dict[str, str], instrument: Instrument) -> OrderRequest:
    """What POST order asks for; raises ``Declined``."""
    side, named = side_of(params), params.get("type", "")
    if not named:
        raise missing("type")
    kind = _TYPES.get(named)
    if kind is None:
        raise declined(-1116, "Invalid orderType.")
    trailing = amount(params, "trailingDelta")
    request = OrderRequest(
        symbol=instrument.symbol,
        side=side,
        type=kind,
        quantity=amount(params, "quantity"),
        quote_quantity=amount(params, "quoteOrderQty"),
        price=amount(params, "price"),
        stop_price=amount(params, "stopPrice"),
        trailing_bps=trailing,
        time_in_force=params.get("timeInForce", "GTC"),
        post_only=named == "LIMIT_MAKER",
        client_id=client_id(params, "newClientOrderId"),
    )
    _check(request, params)
    return request


def _check(request: OrderRequest, params: dict[str, str]) -> None:
    if request.time_in_force not in {"GTC", "IOC", "FOK"}:
        raise declined(-1115, "Invalid timeInForce.")
    if request.type is OrderType.MARKET:
        _check_market(request, params)
        return
    if request.quantity is None:
        raise missing("quantity")
    if request.type in PRICED:
        if request.price is None:
            raise missing("price")
        if not request.post_only and "timeInForce" not in params:
            raise missing("timeInForce")
    elif "price" in params:
        raise declined(-1106, "Parameter 'price' sent when not required.")
    if request.type in WAITING and request.stop_price is None and request.trailing_bps is None:
        raise missing("stopPrice")
    if request.type not in WAITING and request.stop_price is not None:
        raise declined(-1106, "Parameter 'stopPrice' sent when not required.")


def _check_market(request: OrderRequest, params: dict[str, str]) -> None:
    if (request.quantity is None) == (request.quote_quantity is None):
        raise (
            missing("quantity")
            if request.quantity is None
            else declined(-1128, "Combination of optional parameters invalid.")
        )
    for name in ("price", "timeInForce", "stopPrice"):
        if name in params:
            raise declined(-1106, f"Parameter '{name}' sent when not required.")
