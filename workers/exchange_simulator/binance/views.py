"""Instruments, orders, trades and balances in Binance's words."""

from decimal import Decimal
from typing import Any

from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import ZERO, Order, OrderList, OrderType, Side, Status, Trade

TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
STATUSES = {status: status.value.upper() for status in Status}
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_UNIT = Decimal("0.00000001")


def text(amount: Decimal | None) -> str:
    """Eight decimals, as Binance writes every amount."""
    return format((amount or ZERO).quantize(_UNIT), "f")


def type_of(order: Order) -> str:
    return "LIMIT_MAKER" if order.post_only else TYPES[order.type]


def order_view(order: Order, pair: str) -> dict[str, Any]:
    """As GET order answers."""
    view = {
        "symbol": pair,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.quote_filled),
        "status": STATUSES[order.status],
        "timeInForce": order.time_in_force,
        "type": type_of(order),
        "side": SIDES[order.side],
        "stopPrice": text(order.stop_price),
        "icebergQty": text(ZERO),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.working,
        "workingTime": order.working_ms or -1,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    if order.trailing_bps is not None:
        view["trailingDelta"] = int(order.trailing_bps)
        view["trailingTime"] = order.created_ms if order.trail_extreme is not None else -1
    return view


def created_view(order: Order, pair: str, detail: str) -> dict[str, Any]:
    """As POST order answers: ``ACK``, ``RESULT`` or ``FULL``."""
    view: dict[str, Any] = {
        "symbol": pair,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ms,
    }
    if detail == "ACK":
        return view
    full = order_view(order, pair)
    view |= {name: full[name] for name in _RESULT_FIELDS}
    if detail == "FULL":
        view["fills"] = [
            {
                "price": text(trade.price),
                "qty": text(trade.quantity),
                "commission": text(trade.fee),
                "commissionAsset": trade.fee_asset,
                "tradeId": trade.id,
            }
            for trade in order.trades
        ]
    return view


def canceled_view(order: Order, pair: str) -> dict[str, Any]:
    """As DELETE order answers."""
    full = order_view(order, pair)
    return {
        "symbol": pair,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.cancel_id or f"cancel-{order.id}",
        "transactTime": order.updated_ms,
        **{name: full[name] for name in _RESULT_FIELDS if name != "workingTime"},
    }


def trade_view(trade: Trade, pair: str) -> dict[str, Any]:
    """As GET myTrades answers."""
    return {
        "symbol": pair,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": trade.list_id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.quote_quantity),
        "commission": text(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": trade.at_ms,
        "isBuyer": trade.side is Side.BUY,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


def list_view(pair: OrderList, legs: list[Order], name: str, *, reports: bool) -> dict[str, Any]:
    """An OCO with its legs."""
    view: dict[str, Any] = {
        "orderListId": pair.id,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if pair.done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if pair.done else "EXECUTING",
        "listClientOrderId": pair.client_id,
        "transactionTime": pair.created_ms,
        "symbol": name,
        "orders": [{"symbol": name, "orderId": leg.id, "clientOrderId": leg.client_id} for leg in legs],
    }
    if reports:
        view["orderReports"] = [created_view(leg, name, "RESULT") for leg in legs]
    return view


def balances_view(account: Account) -> list[dict[str, str]]:
    return [
        {"asset": asset, "free": text(held.free), "locked": text(held.locked)}
        for asset, held in sorted(account.balances.items())
        if held.free or held.locked
    ]


def instrument_view(instrument: Instrument) -> dict[str, Any]:
    """One symbol of exchangeInfo with its filters."""
    precise = dict.fromkeys(_PRECISIONS, 8)
    return {
        "symbol": instrument.pair,
        "status": "TRADING" if instrument.trading else "BREAK",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        **precise,
        "orderTypes": [*TYPES.values(), "LIMIT_MAKER"],
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    lowest, highest = instrument.tick_size, instrument.tick_size * 10**9
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(lowest),
            "maxPrice": text(highest),
            "tickSize": text(lowest),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(instrument.min_quantity),
            "maxQty": text(instrument.max_quantity),
            "stepSize": text(instrument.step_size),
        },
        {"filterType": "MARKET_LOT_SIZE", "minQty": text(ZERO), "maxQty": text(ZERO), "stepSize": text(ZERO)},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(instrument.price_up),
            "bidMultiplierDown": str(instrument.price_down),
            "askMultiplierUp": str(instrument.price_up),
            "askMultiplierDown": str(instrument.price_down),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text(instrument.max_notional),
            "applyMaxToMarket": True,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": instrument.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": instrument.max_stop_orders},
    ]


_PRECISIONS = (
    "baseAssetPrecision",
    "quotePrecision",
    "quoteAssetPrecision",
    "baseCommissionPrecision",
    "quoteCommissionPrecision",
)
_RESULT_FIELDS = (
    "price",
    "origQty",
    "executedQty",
    "origQuoteOrderQty",
    "cummulativeQuoteQty",
    "status",
    "timeInForce",
    "type",
    "side",
    "workingTime",
    "selfTradePreventionMode",
)
