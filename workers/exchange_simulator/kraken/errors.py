"""Kraken's error texts; they come with HTTP 200."""

from workers.exchange_simulator.calls import Answer, Declined
from workers.exchange_simulator.engine.rejections import Reason, Rejection

ORDER_REFUSALS: dict[Reason, str] = {
    Reason.UNKNOWN_SYMBOL: "EQuery:Unknown asset pair",
    Reason.MARKET_CLOSED: "EService:Market in cancel_only mode",
    Reason.PRICE_FILTER: "EOrder:Tick size check failed",
    Reason.LOT_SIZE: "EGeneral:Invalid arguments:volume minimum not met",
    Reason.NOTIONAL: "EOrder:Order minimum not met",
    Reason.PERCENT_PRICE: "EGeneral:Invalid arguments:price",
    Reason.MAX_ORDERS: "EOrder:Orders limit exceeded",
    Reason.MAX_STOP_ORDERS: "EOrder:Orders limit exceeded",
    Reason.INSUFFICIENT_BALANCE: "EOrder:Insufficient funds",
    Reason.DUPLICATE_CLIENT_ID: "EOrder:Duplicate clOrdId",
    Reason.WOULD_TAKE: "EOrder:Post only order",
    Reason.WOULD_TRIGGER: "EOrder:Invalid price",
    Reason.BAD_PRICES: "EOrder:Invalid price",
    Reason.UNKNOWN_ORDER: "EOrder:Unknown order",
    Reason.NO_PRICE: "EService:Unavailable",
}


def declined(message: str) -> Declined:
    """The error as Kraken answers it."""
    return Declined(Answer(200, {"error": [message]}), note=message)


def refused(rejection: Rejection) -> Declined:
    return declined(ORDER_REFUSALS[rejection.reason])
