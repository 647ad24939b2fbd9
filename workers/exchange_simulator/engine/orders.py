"""Orders, order lists and trades as the exchange keeps them."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


class Status(StrEnum):
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


WAITING = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


@dataclass(slots=True)
class OrderRequest:
    """What a client asks for. ``quote_quantity`` is an amount of the quote asset, for market orders only;
    ``trailing_bps`` and ``trailing_distance`` (quote) are two ways to say how far a trailing stop follows.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_bps: Decimal | None = None
    trailing_distance: Decimal | None = None
    time_in_force: str = "GTC"
    post_only: bool = False
    client_id: str = ""
    fee_in: str = ""  # "" as the account says, "received", "quote", or an asset
    expires_ms: int = 0  # GTD; 0: never


@dataclass(slots=True)
class Order:
    """One order. ``working`` is False while a stop waits for its trigger; ``locked`` is what it still holds back, of
    the quote asset for a purchase and of the base asset for a sale; ``visible_ms`` is when queries begin to see it.
    """

    id: int
    account: str
    client_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: str
    quantity: Decimal
    created_ms: int
    updated_ms: int
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_bps: Decimal | None = None
    trailing_distance: Decimal | None = None
    trail_extreme: Decimal | None = None
    post_only: bool = False
    fee_in: str = ""
    expires_ms: int = 0
    list_id: int = -1
    status: Status = Status.NEW
    working: bool = True
    working_ms: int = 0
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    locked: Decimal = ZERO
    visible_ms: int = 0
    cancel_id: str = ""
    foreign: bool = False
    trades: list["Trade"] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status in {Status.NEW, Status.PARTIALLY_FILLED}

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def trailing(self) -> bool:
        return self.trailing_bps is not None or self.trailing_distance is not None


@dataclass(slots=True)
class OrderList:
    """Two orders of which one cancels the other (OCO)."""

    id: int
    account: str
    client_id: str
    symbol: str
    order_ids: tuple[int, int]
    created_ms: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill; ``quote_quantity`` is price times quantity, ``fee`` is in ``fee_asset``."""

    id: int
    order_id: int
    account: str
    client_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int
    visible_ms: int = 0
    list_id: int = -1
