"""Own orders and balances as stream events: the listen keys and the messages."""

from secrets import token_hex
from typing import Any

from workers.exchange_simulator.binance.errors import declined
from workers.exchange_simulator.binance.views import SIDES, STATUSES, text, type_of
from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.events import BalanceEvent, Event, ListEvent, OrderEvent
from workers.exchange_simulator.engine.exchange import Exchange
from workers.exchange_simulator.engine.orders import ZERO, Status
from workers.exchange_simulator.simulator import Simulator

_EXECUTIONS = {
    "new": "NEW",
    "working": "NEW",
    "trade": "TRADE",
    "canceled": "CANCELED",
    "expired": "EXPIRED",
    "replaced": "REPLACED",
}


class ListenKeys:
    """The older way to a user stream: a key that names it."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.accounts: dict[str, str] = {}

    def create(self, call: Call) -> dict[str, str]:
        name = call.client.name
        known = next((key for key, account in self.accounts.items() if account == name), None)
        key = known or token_hex(30)
        self.accounts[key] = name
        return {"listenKey": key}

    def keep_alive(self, call: Call) -> dict[str, str]:
        if call.params.get("listenKey") not in self.accounts:
            raise declined(-1125, "This listenKey does not exist.")
        return {}

    def close(self, call: Call) -> dict[str, str]:
        self.accounts.pop(call.params.get("listenKey", ""), None)
        return {}


def messages(event: Event, exchange: Exchange, now_ms: int) -> list[tuple[str, dict[str, Any]]]:
    """The messages with the name that faults know them by."""
    if isinstance(event, OrderEvent):
        known = event.kind in _EXECUTIONS
        return [(event.kind, execution_report(event, exchange, now_ms))] if known else []
    if isinstance(event, BalanceEvent):
        account = event.account
        told: list[tuple[str, dict[str, Any]]] = []
        if event.outside:
            change = {"e": "balanceUpdate", "E": now_ms, "a": event.assets[0], "d": event.outside, "T": event.at_ms}
            told.append(("balance", change))
        held = [(asset, account.balance(asset)) for asset in event.assets]
        rows = [{"a": asset, "f": text(one.free), "l": text(one.locked)} for asset, one in held]
        told.append(("balance", {"e": "outboundAccountPosition", "E": now_ms, "u": event.at_ms, "B": rows}))
        return told
    assert isinstance(event, ListEvent)
    return [("list", _list_status(event, exchange, now_ms))]


def execution_report(event: OrderEvent, exchange: Exchange, now_ms: int) -> dict[str, Any]:
    """One change of an order as Binance's ``executionReport``."""
    order, trade = event.order, event.trade
    pair = exchange.markets[order.symbol].instrument.pair
    canceled = event.kind == "canceled"
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": pair,
        "c": (order.cancel_id or f"cancel-{order.id}") if canceled else order.client_id,
        "S": SIDES[order.side],
        "o": type_of(order),
        "f": order.time_in_force,
        "q": text(order.quantity),
        "p": text(order.price),
        "P": text(order.stop_price),
        "F": text(ZERO),
        "g": order.list_id,
        "C": order.client_id if canceled else "",
        "x": _EXECUTIONS[event.kind],
        "X": STATUSES[Status(event.status)],
        "r": "NONE",
        "i": order.id,
        "l": text(trade.quantity if trade else ZERO),
        "z": _eight(event.filled),
        "L": text(trade.price if trade else ZERO),
        "n": text(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": event.at_ms,
        "t": trade.id if trade else -1,
        "I": order.id * 10 + (trade.id if trade else 0),
        "w": order.working and event.status in {"new", "partially_filled"},
        "m": trade.maker if trade else False,
        "M": False,
        "O": order.created_ms,
        "Z": _eight(event.quote_filled),
        "Y": text(trade.quote_quantity if trade else ZERO),
        "Q": text(order.quote_quantity),
        "W": order.working_ms or event.at_ms,
        "V": "EXPIRE_MAKER",
    }


def _eight(amount: str) -> str:
    whole, _, part = amount.partition(".")
    return f"{whole}.{part[:8]:0<8}"


def _list_status(event: ListEvent, exchange: Exchange, now_ms: int) -> dict[str, Any]:
    pair = event.order_list
    name = exchange.markets[pair.symbol].instrument.pair
    legs = [exchange.orders[order_id] for order_id in pair.order_ids]
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": name,
        "g": pair.id,
        "c": "OCO",
        "l": "ALL_DONE" if pair.done else "EXEC_STARTED",
        "L": "ALL_DONE" if pair.done else "EXECUTING",
        "r": "NONE",
        "C": pair.client_id,
        "T": event.at_ms,
        "O": [{"s": name, "i": leg.id, "c": leg.client_id} for leg in legs],
    }
