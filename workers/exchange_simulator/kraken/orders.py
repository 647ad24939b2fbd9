"""Kraken's signed requests over the same engine."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.orders import Order, Trade
from workers.exchange_simulator.engine.rejections import Rejection
from workers.exchange_simulator.kraken.errors import declined, refused
from workers.exchange_simulator.kraken.names import PairNames, asset_name, number_of, own_id
from workers.exchange_simulator.kraken.order_requests import order_request
from workers.exchange_simulator.kraken.views import order_view, order_words, trade_view
from workers.exchange_simulator.simulator import Simulator

_PAGE = 50


class KrakenOrders:
    """``later(seconds, work)`` runs something after a while."""

    def __init__(
        self, simulator: Simulator, names: PairNames, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self.simulator, self.names, self.later = simulator, names, later
        self.exchange = simulator.exchange

    def balance(self, call: Call) -> dict[str, str]:
        return {asset_name(asset): format(held.free + held.locked, "f") for asset, held in call.client.balances.items()}

    def balance_extended(self, call: Call) -> dict[str, Any]:
        return {
            asset_name(asset): {"balance": format(held.free + held.locked, "f"), "hold_trade": format(held.locked, "f")}
            for asset, held in call.client.balances.items()
        }

    def add(self, call: Call) -> dict[str, Any]:
        symbol = self.names.symbols.get(call.params.get("pair", ""))
        if symbol is None:
            raise declined("EQuery:Unknown asset pair")
        request = order_request(call.params, symbol, call.now_ms)
        if not call.client.can_trade:
            raise declined("EGeneral:Permission denied")
        words = order_words(request, self.names.pairs[symbol])
        if call.params.get("validate") == "true":
            return {"descr": {"order": words}}
        try:
            order = self.exchange.place(call.client, request, call.now_ms, call.handling())
        except Rejection as rejection:
            raise refused(rejection) from None
        call.facts["order_id"] = order.id
        return {"descr": {"order": words}, "txid": [own_id("O", order.id)]}

    def query(self, call: Call) -> dict[str, Any]:
        orders = self._named(call)
        if any(order.visible_ms > call.now_ms for order in orders):
            raise declined("EOrder:Unknown order")
        return self._views(orders, trades=call.params.get("trades") in {"true", "True"})

    def cancel(self, call: Call) -> dict[str, Any]:
        late, count = call.fault("late_fill"), 0
        try:
            for order in self._named(call):
                if order.visible_ms > call.now_ms:
                    raise declined("EOrder:Unknown order")
                self.exchange.cancel(order, call.now_ms, keep_lock=late is not None)
                call.facts["order_id"] = order.id
                count += 1
                if late is not None:
                    self._fill_later(order, late.seconds, Decimal(str(late.options.get("share", 1))))
        except Rejection as rejection:
            raise refused(rejection) from None
        return {"count": count}

    def amend(self, call: Call) -> dict[str, Any]:
        order = self._named(call)[0]
        quantity, price = call.params.get("order_qty"), call.params.get("limit_price")
        try:
            self.exchange.reprice(
                order,
                call.now_ms,
                quantity=Decimal(quantity) if quantity else None,
                price=Decimal(price) if price else None,
            )
        except Rejection as rejection:
            raise refused(rejection) from None
        call.facts["order_id"] = order.id
        return {"amend_id": own_id("T", order.id)}

    def open_orders(self, call: Call) -> dict[str, Any]:
        orders = [order for order in self._mine(call) if order.open and self._asked_for(call, order)]
        return {"open": self._views(orders, trades=call.params.get("trades") == "true")}

    def closed_orders(self, call: Call) -> dict[str, Any]:
        orders = [order for order in self._mine(call) if not order.open and self._asked_for(call, order)]
        start, end = _span(call)
        found = [order for order in orders if start < order.updated_ms / 1_000 <= end][::-1]
        first = int(call.params.get("ofs", 0))
        return {"closed": self._views(found[first : first + _PAGE], trades=True), "count": len(found)}

    def trades_history(self, call: Call) -> dict[str, Any]:
        start, end = _span(call)
        found = [trade for trade in self._trades(call) if start < trade.at_ms / 1_000 <= end][::-1]
        first = int(call.params.get("ofs", 0))
        page = found[first : first + _PAGE]
        return {"trades": {own_id("T", trade.id): self._trade(trade) for trade in page}, "count": len(found)}

    def query_trades(self, call: Call) -> dict[str, Any]:
        wanted = {number_of(name) for name in call.params.get("txid", "").split(",")}
        return {own_id("T", trade.id): self._trade(trade) for trade in self._trades(call) if trade.id in wanted}

    def key_info(self, call: Call) -> dict[str, Any]:
        """What the key may do."""
        rights = ["query-funds", "query-open-trades", "query-closed-trades"]
        if call.client.can_trade:
            rights += ["modify-trades", "close-trades"]
        if call.client.can_withdraw:
            rights.append("withdraw-funds")
        return {"api_key": call.client.key, "api_key_name": call.client.name, "permissions": rights}

    def _views(self, orders: list[Order], *, trades: bool) -> dict[str, Any]:
        return {
            own_id("O", order.id): order_view(
                order,
                self.names.pairs[order.symbol],
                self.exchange.markets[order.symbol].instrument.quote,
                trades=trades,
            )
            for order in orders
        }

    def _trade(self, trade: Trade) -> dict[str, Any]:
        order = self.exchange.orders[trade.order_id]
        return trade_view(trade, order, self.names.pairs[trade.symbol])

    def _mine(self, call: Call) -> list[Order]:
        """Own orders that queries see, oldest first."""
        name = call.client.name
        orders = [
            order
            for (account, _), held in list(self.exchange.of_account.items())
            if account == name
            for order in held
            if order.visible_ms <= call.now_ms
        ]
        return sorted(orders, key=lambda order: order.id)

    def _trades(self, call: Call) -> list[Trade]:
        name = call.client.name
        trades = [
            trade
            for (account, _), held in list(self.exchange.trades_of.items())
            if account == name
            for trade in held
            if trade.visible_ms <= call.now_ms
        ]
        return sorted(trades, key=lambda trade: trade.id)

    @staticmethod
    def _asked_for(call: Call, order: Order) -> bool:
        wanted = call.params.get("cl_ord_id")
        return wanted is None or order.client_id == wanted

    def _named(self, call: Call) -> list[Order]:
        """The orders that ``txid`` (several, by comma) or ``cl_ord_id`` names; raises ``Declined``."""
        client_id = call.params.get("cl_ord_id")
        names = [] if client_id else call.params.get("txid", "").split(",")
        try:
            if client_id:
                return [self.exchange.find(call.client, "", order_id=None, client_id=client_id)]
            return [
                self.exchange.find(call.client, "", order_id=number_of(name) or -1, client_id=None) for name in names
            ]
        except Rejection as rejection:
            raise refused(rejection) from None

    def _fill_later(self, order: Order, seconds: float, share: Decimal) -> None:
        def fill() -> None:
            self.exchange.late_fill(order, order.remaining * share, self.simulator.now_ms())
            self.simulator.publish()

        self.later(seconds, fill)


def _span(call: Call) -> tuple[float, float]:
    try:
        return float(call.params.get("start", 0)), float(call.params.get("end", 2**40))
    except ValueError:
        raise declined("EGeneral:Invalid arguments:start") from None
