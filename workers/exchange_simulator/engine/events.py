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


def account_of(event: Event) -> str:
    """The name of the account that an event concerns."""
    if isinstance(event, OrderEvent):
        return event.order.account
    return event.account.name if isinstance(event, BalanceEvent) else event.order_list.account


def symbol_of(event: Event) -> str:
    """The symbol that an event concerns, "" for a balance."""
    if isinstance(event, OrderEvent):
        return event.order.symbol
    return "" if isinstance(event, BalanceEvent) else event.order_list.symbol
