"""What happened inside the engine, in order; the server tells it to the truth log and the streams."""

from dataclasses import dataclass

from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.orders import Order, OrderList, Trade


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """``kind`` is ``new``, ``working``, ``trade``, ``canceled``, ``expired``, ``replaced`` or ``released``; the
    texts say where the order stood then, since it goes on changing.
    """

    kind: str
    order: Order
    status: str
    filled: str
    quote_filled: str
    trade: Trade | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """Balances of these assets changed; ``outside`` is the amount that came from or went outside, of one asset."""

    account: Account
    assets: tuple[str, ...]
    at_ms: int
    outside: str = ""


@dataclass(frozen=True, slots=True)
class ListEvent:
    order_list: OrderList
    at_ms: int


Event = OrderEvent | BalanceEvent | ListEvent
