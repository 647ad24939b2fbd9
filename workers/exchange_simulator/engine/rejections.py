"""Why the exchange does not do what it was asked; the dialects put it into their own codes."""

from enum import StrEnum


class Reason(StrEnum):
    UNKNOWN_SYMBOL = "unknown_symbol"
    MARKET_CLOSED = "market_closed"
    PRICE_FILTER = "price_filter"
    LOT_SIZE = "lot_size"
    NOTIONAL = "notional"
    PERCENT_PRICE = "percent_price"
    MAX_ORDERS = "max_orders"
    MAX_STOP_ORDERS = "max_stop_orders"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    WOULD_TAKE = "would_take"
    WOULD_TRIGGER = "would_trigger"
    BAD_PRICES = "bad_prices"  # the legs of an OCO stand on the wrong sides of the price
    UNKNOWN_ORDER = "unknown_order"
    NO_PRICE = "no_price"


class Rejection(Exception):  # noqa: N818 - reads as what happened
    """The request is proven not taken."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        super().__init__(detail or reason.value)
