"""Faults that happen at once and wait for no call: jumps, skew, other clients, changed rules."""

from collections.abc import Callable
from decimal import Decimal
from secrets import token_hex
from typing import Any

from workers.exchange_simulator import stored_books
from workers.exchange_simulator.engine.accounts import OutsideTransfer
from workers.exchange_simulator.engine.exchange import Handling
from workers.exchange_simulator.engine.market import ONE
from workers.exchange_simulator.engine.orders import OrderRequest, OrderType, Side
from workers.exchange_simulator.faults import FaultRefused
from workers.exchange_simulator.simulator import Simulator

Told = dict[str, Any]


class Acts:
    """``refuse(seconds)`` closes the exchange's port for a while, ``disconnect()`` cuts all streams."""

    def __init__(self, simulator: Simulator, refuse: Callable[[float], None], disconnect: Callable[[], int]) -> None:
        self.simulator, self.refuse, self.disconnect = simulator, refuse, disconnect

    def do(self, kind: str, wish: dict[str, Any]) -> Told:
        """Do it; what was done. Raises ``FaultRefused``, ``Rejection`` or ``KeyError`` for a field that is missing."""
        return ACTS[kind](self, wish)

    def end_all(self) -> None:
        """End what lasts."""
        self.simulator.skew_ms = 0
        self.simulator.frozen.clear()
        self.simulator.stale.clear()
        for account in self.simulator.exchange.accounts.values():
            account.revoked = False
        self.refuse(0)


def _refuse_connections(acts: Acts, wish: dict[str, Any]) -> Told:
    """The port is closed for `seconds`: connections are refused"""
    acts.refuse(float(wish.get("seconds", 5)))
    return {}


def _disconnect_streams(acts: Acts, _: dict[str, Any]) -> Told:
    """All WebSocket connections are cut"""
    return {"cut": acts.disconnect()}


def _price_jump(acts: Acts, wish: dict[str, Any]) -> Told:
    """The price of `symbol` moves by `percent` at once"""
    symbol, exchange = str(wish["symbol"]), acts.simulator.exchange
    market = exchange.market(symbol)
    tick = market.instrument.tick_size
    target = max(round(market.price * (ONE + Decimal(str(wish["percent"])) / 100) / tick) * tick, tick)
    market.set_price(target, hold=bool(wish.get("hold", False)))
    exchange.settle(symbol, acts.simulator.now_ms())
    held = None if market.pinned is None else format(target, "f")
    told = {"symbol": symbol, "price": format(target, "f"), "held": held, "scale": str(market.scale)}
    acts.simulator.truth.add("price", acts.simulator.now_ms(), told)
    return told


def _stale_ticker(acts: Acts, wish: dict[str, Any]) -> Told:
    """The market data of `symbol` stands still for `seconds` while the market goes on"""
    symbol = str(wish["symbol"])
    acts.simulator.exchange.market(symbol)
    acts.simulator.frozen[symbol] = acts.simulator.wall_ms() + int(float(wish.get("seconds", 30)) * 1_000)
    return {}


def _clock_skew(acts: Acts, wish: dict[str, Any]) -> Told:
    """The exchange's clock is `seconds` ahead (below zero: behind)"""
    acts.simulator.skew_ms = int(float(wish["seconds"]) * 1_000)
    return {"skew_ms": acts.simulator.skew_ms}


def _filter_change(acts: Acts, wish: dict[str, Any]) -> Told:
    """Rules of `symbol` change: tick_size, step_size, min_quantity, min_notional, max_orders, trading"""
    instrument = acts.simulator.exchange.market(str(wish["symbol"])).instrument
    for name in ("tick_size", "step_size", "min_quantity", "min_notional", "price_up", "price_down"):
        if name in wish:
            setattr(instrument, name, Decimal(str(wish[name])))
    if "max_orders" in wish:
        instrument.max_orders = int(wish["max_orders"])
    if "trading" in wish:
        instrument.trading = bool(wish["trading"])
    return {}


def _foreign_order(acts: Acts, wish: dict[str, Any]) -> Told:
    """Another client of `account` places an order: symbol, side, type, quantity, price"""
    return _foreign(acts, wish, None)


def _foreign_trade(acts: Acts, wish: dict[str, Any]) -> Told:
    """Another client of `account` trades at once: symbol, side, quantity"""
    return _foreign(acts, {**wish, "type": "market"}, ONE)


def _foreign(acts: Acts, wish: dict[str, Any], share: Decimal | None) -> Told:
    exchange = acts.simulator.exchange
    request = OrderRequest(
        symbol=str(wish["symbol"]),
        side=Side(str(wish["side"])),
        type=OrderType(str(wish.get("type", "limit"))),
        quantity=Decimal(str(wish["quantity"])),
        price=Decimal(str(wish["price"])) if "price" in wish else None,
        client_id=str(wish.get("client_id") or f"web_{token_hex(8)}"),
    )
    account = exchange.accounts[str(wish["account"])]
    order = exchange.place(account, request, acts.simulator.now_ms(), Handling(fill_share=share, foreign=True))
    return {"order_id": order.id, "client_id": order.client_id}


def _balance_change(acts: Acts, wish: dict[str, Any]) -> Told:
    """`amount` of `asset` comes to `account` from outside (below zero: leaves)"""
    account = acts.simulator.exchange.accounts[str(wish["account"])]
    amount = Decimal(str(wish["amount"]))
    if account.balance(str(wish["asset"])).free + amount < 0:
        raise FaultRefused(f"amount was {amount}; that is more than the account has free.")
    acts.simulator.exchange.change_balance(account, str(wish["asset"]), amount, acts.simulator.now_ms())
    return {}


def _deposit(acts: Acts, wish: dict[str, Any]) -> Told:
    """`amount` of `asset` is deposited to `account`, and listed among its deposits"""
    return _listed(acts, wish, Decimal(str(wish["amount"])))


def _withdrawal(acts: Acts, wish: dict[str, Any]) -> Told:
    """`amount` of `asset` is withdrawn from `account`, and listed among its withdrawals"""
    return _listed(acts, wish, -Decimal(str(wish["amount"])))


def _listed(acts: Acts, wish: dict[str, Any], amount: Decimal) -> Told:
    exchange, asset, name = acts.simulator.exchange, str(wish["asset"]), str(wish["account"])
    if exchange.accounts[name].balance(asset).free + amount < 0:
        raise FaultRefused(f"amount was {-amount}; that is more than the account has free.")
    transfer = OutsideTransfer(token_hex(16), name, asset, amount, acts.simulator.now_ms())
    exchange.transfer(transfer)
    acts.simulator.truth.add("transfer", transfer.at_ms, stored_books.transfer_fields(transfer))
    return {"id": transfer.id}


def _revoke_key(acts: Acts, wish: dict[str, Any]) -> Told:
    """The key of `account` stops working"""
    acts.simulator.exchange.accounts[str(wish["account"])].revoked = True
    return {}


ACTS: dict[str, Callable[[Acts, dict[str, Any]], Told]] = {
    "refuse_connections": _refuse_connections,
    "disconnect_streams": _disconnect_streams,
    "price_jump": _price_jump,
    "stale_ticker": _stale_ticker,
    "clock_skew": _clock_skew,
    "filter_change": _filter_change,
    "foreign_order": _foreign_order,
    "foreign_trade": _foreign_trade,
    "balance_change": _balance_change,
    "deposit": _deposit,
    "withdrawal": _withdrawal,
    "revoke_key": _revoke_key,
}
