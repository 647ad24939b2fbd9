"""Kraken's order parameters as a request for the engine."""

from decimal import Decimal, InvalidOperation

from workers.exchange_simulator.engine.orders import PRICED, WAITING, OrderRequest, OrderType, Side
from workers.exchange_simulator.kraken.errors import declined

_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop-loss": OrderType.STOP,
    "stop-loss-limit": OrderType.STOP_LIMIT,
    "take-profit": OrderType.TAKE_PROFIT,
    "take-profit-limit": OrderType.TAKE_PROFIT_LIMIT,
    "trailing-stop": OrderType.STOP,
}
_FORCES = {"GTC": "GTC", "IOC": "IOC", "GTD": "GTC"}


def order_request(params: dict[str, str], symbol: str, now_ms: int) -> OrderRequest:
    """What AddOrder asks for; raises ``Declined``. Fees are charged in the quote asset, as Kraken does by default."""
    named, side = params.get("ordertype", ""), params.get("type", "")
    kind = _TYPES.get(named)
    if kind is None:
        raise declined("EGeneral:Invalid arguments:ordertype")
    if side not in {"buy", "sell"}:
        raise declined("EGeneral:Invalid arguments:type")
    force = params.get("timeinforce", "GTC")
    if force not in _FORCES:
        raise declined("EGeneral:Invalid arguments:timeinforce")
    flags = params.get("oflags", "").split(",")
    volume = amount(params, "volume")
    if volume is None:
        raise declined("EGeneral:Invalid arguments:volume")
    request = OrderRequest(
        symbol=symbol,
        side=Side(side),
        type=kind,
        quantity=None if "viqc" in flags else volume,
        quote_quantity=volume if "viqc" in flags else None,
        time_in_force=_FORCES[force],
        post_only="post" in flags,
        client_id=params.get("cl_ord_id", ""),
        fee_in="received" if "fcib" in flags else "quote",
        expires_ms=_expiry(params, now_ms),
    )
    _prices(request, params, named)
    return request


def amount(params: dict[str, str], name: str) -> Decimal | None:
    """A positive decimal, None where it is absent; raises ``Declined``."""
    given = params.get(name)
    if not given:
        return None
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise declined(f"EGeneral:Invalid arguments:{name}") from None
    if not value.is_finite() or value <= 0:
        raise declined(f"EGeneral:Invalid arguments:{name}")
    return value


def _prices(request: OrderRequest, params: dict[str, str], named: str) -> None:
    if named == "trailing-stop":
        _trail(request, params.get("price", ""))
        return
    if request.type in WAITING:
        request.stop_price = amount(params, "price")
        request.price = amount(params, "price2") if request.type in PRICED else None
        if request.stop_price is None or (request.type in PRICED and request.price is None):
            raise declined("EGeneral:Invalid arguments:price")
    elif request.type is OrderType.LIMIT:
        request.price = amount(params, "price")
        if request.price is None:
            raise declined("EGeneral:Invalid arguments:price")


def _trail(request: OrderRequest, given: str) -> None:
    """``+1.5%`` or ``+100``: how far the stop follows."""
    text = given.lstrip("+")
    percent = text.endswith("%")
    value = amount({"price": text.rstrip("%")}, "price")
    if value is None:
        raise declined("EGeneral:Invalid arguments:price")
    if percent:
        request.trailing_bps = value * 100
    else:
        request.trailing_distance = value


def _expiry(params: dict[str, str], now_ms: int) -> int:
    given = params.get("expiretm", "0")
    if not given.lstrip("+").isdigit():
        raise declined("EGeneral:Invalid arguments:expiretm")
    seconds = int(given.lstrip("+"))
    if not seconds:
        return 0
    return now_ms + seconds * 1_000 if given.startswith("+") else seconds * 1_000
