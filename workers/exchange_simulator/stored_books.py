"""Orders, fills, lists and balances as lines of the truth log, and the books made from such lines again."""

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from workers.exchange_simulator.engine.accounts import Account, Balance, OutsideTransfer
from workers.exchange_simulator.engine.exchange import Exchange
from workers.exchange_simulator.engine.orders import Order, OrderList, OrderType, Side, Status, Trade

_ORDER_FIELDS = tuple(field.name for field in fields(Order) if field.name != "trades")
_TRADE_FIELDS = tuple(field.name for field in fields(Trade))
_DECIMALS = frozenset(
    [
        "quantity",
        "quote_quantity",
        "price",
        "stop_price",
        "trailing_bps",
        "trailing_distance",
        "trail_extreme",
        "filled",
        "quote_filled",
        "locked",
        "fee",
    ]
)


def order_fields(order: Order) -> dict[str, Any]:
    """Every field of the order; amounts as text."""
    return {name: _text(getattr(order, name)) for name in _ORDER_FIELDS}


def trade_fields(trade: Trade) -> dict[str, Any]:
    """Every field of the fill; amounts as text."""
    return {name: _text(getattr(trade, name)) for name in _TRADE_FIELDS}


def balance_fields(account: Account, asset: str) -> dict[str, Any]:
    held = account.balance(asset)
    return {"account": account.name, "asset": asset, "free": _text(held.free), "locked": _text(held.locked)}


def transfer_fields(transfer: OutsideTransfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "account": transfer.account,
        "asset": transfer.asset,
        "amount": _text(transfer.amount),
        "at_ms": transfer.at_ms,
    }


def list_fields(pair: OrderList) -> dict[str, Any]:
    return {
        "id": pair.id,
        "account": pair.account,
        "client_id": pair.client_id,
        "symbol": pair.symbol,
        "order_ids": list(pair.order_ids),
        "created_ms": pair.created_ms,
        "done": pair.done,
    }


def restore(exchange: Exchange, lines: Iterable[dict[str, Any]]) -> int:
    """Bring the books to where the last line left them; how many lines there were."""
    orders: dict[int, Order] = {}
    trades: dict[int, Trade] = {}
    lists: dict[int, OrderList] = {}
    count = 0
    for line in lines:
        count += 1
        kind = line["fact"]
        if kind == "order":
            orders[line["id"]] = _order(line)
        elif kind == "fill":
            trades[line["id"]] = Trade(**_values(line, _TRADE_FIELDS))
        elif kind == "list":
            lists[line["id"]] = OrderList(
                line["id"],
                line["account"],
                line["client_id"],
                line["symbol"],
                (line["order_ids"][0], line["order_ids"][1]),
                line["created_ms"],
                line["done"],
            )
        elif kind == "transfer":
            amount = Decimal(line["amount"])
            exchange.transfers.append(
                OutsideTransfer(line["id"], line["account"], line["asset"], amount, line["at_ms"])
            )
        elif kind in {"account", "balance"}:
            _restore_balance(exchange, line)
    exchange.restore(orders.values(), trades.values(), lists.values())
    return count


def restore_prices(exchange: Exchange, lines: Iterable[dict[str, Any]]) -> None:
    """Prices that were moved by hand, so that a restart does not match against the ones before."""
    last = {line["symbol"]: line for line in lines if line["fact"] == "price"}
    for symbol, line in last.items():
        market = exchange.markets.get(symbol)
        if market is not None:
            market.scale = Decimal(line["scale"])
            market.pinned = None if line["held"] is None else Decimal(line["held"])
            market.start()


def _restore_balance(exchange: Exchange, line: dict[str, Any]) -> None:
    account = exchange.accounts.setdefault(line["account"], Account(line["account"], "", ""))
    if line["fact"] == "balance":
        account.balances[line["asset"]] = Balance(Decimal(line["free"]), Decimal(line["locked"]))


def _order(line: dict[str, Any]) -> Order:
    return Order(**_values(line, _ORDER_FIELDS))


def _values(line: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(name, line[name]) for name in names}


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DECIMALS:
        return Decimal(value)
    kinds: dict[str, type] = {"side": Side, "type": OrderType, "status": Status}
    return kinds[name](value) if name in kinds else value


def _text(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value
