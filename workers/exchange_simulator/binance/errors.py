"""Binance's error codes, messages and HTTP statuses."""

from workers.exchange_simulator.calls import Answer, Declined
from workers.exchange_simulator.engine.rejections import Reason, Rejection

ORDER_REFUSALS: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reason.MARKET_CLOSED: (-1013, "Market is closed."),
    Reason.PRICE_FILTER: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.LOT_SIZE: (-1013, "Filter failure: LOT_SIZE"),
    Reason.NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reason.PERCENT_PRICE: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reason.MAX_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    Reason.MAX_STOP_ORDERS: (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    Reason.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Reason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Reason.BAD_PRICES: (-2010, "The relationship of the prices for the orders is not correct."),
    Reason.UNKNOWN_ORDER: (-2010, "Unknown order sent."),
    Reason.NO_PRICE: (-2010, "There is no price for this symbol."),
}


def declined(code: int, message: str, status: int = 400, *, applied: bool = False, **more: object) -> Declined:
    """The error as Binance answers it."""
    return Declined(Answer(status, {"code": code, "msg": message, **more}), note=f"{code} {message}", applied=applied)


def refused(rejection: Rejection) -> Declined:
    """An order that the engine did not take."""
    return declined(*ORDER_REFUSALS[rejection.reason])


def bad_symbol() -> Declined:
    return declined(-1121, "Invalid symbol.")


def missing(name: str) -> Declined:
    return declined(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str) -> Declined:
    return declined(-1100, f"Illegal characters found in parameter '{name}'.")
