"""Orders over REST: create, query, cancel, replace, pairs, lists, trades, balances."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workers.exchange_simulator.binance.errors import declined, missing, refused
from workers.exchange_simulator.binance.market_data import DAY_MS, MarketData
from workers.exchange_simulator.binance.order_requests import client_id, order_request
from workers.exchange_simulator.binance.pair_requests import new_pair, old_pair
from workers.exchange_simulator.binance.views import (
    balances_view,
    canceled_view,
    created_view,
    list_view,
    order_view,
    trade_view,
)
from workers.exchange_simulator.calls import Call, Declined
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.orders import Order, OrderList
from workers.exchange_simulator.engine.rejections import Rejection
from workers.exchange_simulator.simulator import Simulator


class Orders:
    """Everything that a signed request may do. ``later(seconds, work)`` runs something after a while."""

    def __init__(
        self, simulator: Simulator, market_data: MarketData, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self.simulator, self.market_data, self.later = simulator, market_data, later
        self.exchange = simulator.exchange

    def create(self, call: Call) -> dict[str, Any]:
        instrument = self._instrument(call)
        request = order_request(call.params, instrument)
        if not call.client.can_trade:
            raise declined(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        try:
            order = self.exchange.place(call.client, request, call.now_ms, call.handling())
        except Rejection as rejection:
            raise refused(rejection) from None
        call.facts["order_id"] = order.id
        detail = call.params.get("newOrderRespType") or ("FULL" if request.type in {"market", "limit"} else "ACK")
        return created_view(order, instrument.pair, detail)

    def test(self, call: Call) -> dict[str, Any]:
        order_request(call.params, self._instrument(call))
        return {}

    def query(self, call: Call) -> dict[str, Any]:
        instrument = self._instrument(call)
        try:
            order = self._named(call, instrument.symbol)
        except Rejection:
            raise declined(-2013, "Order does not exist.") from None
        if order.visible_ms > call.now_ms:
            raise declined(-2013, "Order does not exist.")
        return order_view(order, instrument.pair)

    def cancel(self, call: Call) -> dict[str, Any]:
        instrument = self._instrument(call)
        try:
            order = self._named(call, instrument.symbol)
            if order.visible_ms > call.now_ms:
                raise declined(-2011, "Unknown order sent.")
            self.cancel_one(call, order, client_id(call.params, "newClientOrderId"))
        except Rejection:
            raise declined(-2011, "Unknown order sent.") from None
        pair = self.exchange.lists.get(order.list_id)
        if pair is not None:
            return list_view(pair, self._legs(pair), instrument.pair, reports=True)
        return canceled_view(order, instrument.pair)

    def cancel_one(self, call: Call, order: Order, cancel_id: str) -> None:
        """Cancel, and let the fault ``late_fill`` fill it a while later. Raises ``Rejection``."""
        late = call.fault("late_fill")
        self.exchange.cancel(order, call.now_ms, cancel_id=cancel_id, keep_lock=late is not None)
        call.facts["order_id"] = order.id
        if late is not None:
            quantity = order.remaining * Decimal(str(late.options.get("share", 1)))
            self.later(late.seconds, lambda: self._fill_late(order, quantity))

    def cancel_all(self, call: Call) -> list[dict[str, Any]]:
        instrument = self._instrument(call)
        orders = list(self.exchange.open_counts[call.client.name, instrument.symbol].values())
        if not orders:
            raise declined(-2011, "Unknown order sent.")
        for order in orders:
            if order.open:
                self.exchange.cancel(order, call.now_ms)
        return [canceled_view(order, instrument.pair) for order in orders]

    def replace(self, call: Call) -> dict[str, Any]:
        """Cancel one order and place another (``cancelReplace``)."""
        instrument, mode = self._instrument(call), call.params.get("cancelReplaceMode")
        if mode not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
            raise missing("cancelReplaceMode")
        request = order_request(call.params, instrument)
        names = {"orderId": "cancelOrderId", "origClientOrderId": "cancelOrigClientOrderId"}
        wanted = {short: call.params[long] for short, long in names.items() if long in call.params}
        canceled: dict[str, Any] = {}
        failed = ""
        try:
            order = self._found(call, instrument.symbol, wanted)
            self.exchange.cancel(order, call.now_ms, cancel_id=client_id(call.params, "cancelNewClientOrderId"))
            canceled = canceled_view(order, instrument.pair)
        except Rejection:
            failed, canceled = "cancel", {"code": -2011, "msg": "Unknown order sent."}
            if mode == "STOP_ON_FAILURE":
                raise _replace_failed("FAILURE", canceled, "NOT_ATTEMPTED", None) from None
        try:
            placed = self.exchange.place(call.client, request, call.now_ms, call.handling())
        except Rejection as rejection:
            error = refused(rejection).answer.body
            raise _replace_failed("FAILURE" if failed else "SUCCESS", canceled, "FAILURE", error) from None
        call.facts["order_id"] = placed.id
        created = created_view(placed, instrument.pair, call.params.get("newOrderRespType", "FULL"))
        if failed:
            raise _replace_failed("FAILURE", canceled, "SUCCESS", created)
        return {
            "cancelResult": "SUCCESS",
            "newOrderResult": "SUCCESS",
            "cancelResponse": canceled,
            "newOrderResponse": created,
        }

    def open_orders(self, call: Call) -> list[dict[str, Any]]:
        name = call.client.name
        if "symbol" in call.params:
            symbols = [self._instrument(call).symbol]
        else:
            symbols = [symbol for account, symbol in list(self.exchange.open_counts) if account == name]
        return [
            order_view(order, self.exchange.markets[symbol].instrument.pair)
            for symbol in symbols
            for order in self.exchange.open_counts[name, symbol].values()
            if order.visible_ms <= call.now_ms
        ]

    def all_orders(self, call: Call) -> list[dict[str, Any]]:
        instrument = self._instrument(call)
        orders = self.exchange.of_account[call.client.name, instrument.symbol]
        start, end = _span(call)
        first = int(call.params.get("orderId", 0))
        found = [
            order
            for order in orders
            if order.id >= first and start <= order.created_ms <= end and order.visible_ms <= call.now_ms
        ]
        limit = min(int(call.params.get("limit", 500)), 1_000)
        kept = found[:limit] if first or start else found[-limit:]
        return [order_view(order, instrument.pair) for order in kept]

    def my_trades(self, call: Call) -> list[dict[str, Any]]:
        instrument = self._instrument(call)
        trades = self.exchange.trades_of[call.client.name, instrument.symbol]
        start, end = _span(call)
        first, order_id = int(call.params.get("fromId", 0)), call.params.get("orderId")
        found = [
            trade
            for trade in trades
            if trade.id >= first
            and start <= trade.at_ms <= end
            and trade.visible_ms <= call.now_ms
            and (order_id is None or trade.order_id == int(order_id))
        ]
        limit = min(int(call.params.get("limit", 500)), 1_000)
        kept = found[:limit] if first or start else found[-limit:]
        return [trade_view(trade, instrument.pair) for trade in kept]

    def account(self, call: Call) -> dict[str, Any]:
        account = call.client
        return {
            "makerCommission": int(account.maker_rate * 10_000),
            "takerCommission": int(account.taker_rate * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": format(account.maker_rate, ".8f"),
                "taker": format(account.taker_rate, ".8f"),
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": account.can_trade,
            "canWithdraw": account.can_withdraw,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": account.updated_ms,
            "accountType": "SPOT",
            "balances": balances_view(account),
            "permissions": ["SPOT"],
            "uid": 1 + list(self.exchange.accounts).index(account.name),
        }

    def create_old_pair(self, call: Call) -> dict[str, Any]:
        return self._create_pair(call, old_pair)

    def create_new_pair(self, call: Call) -> dict[str, Any]:
        return self._create_pair(call, new_pair)

    def query_list(self, call: Call) -> dict[str, Any]:
        pair = self._pair(call, -2018, "Order list does not exist.")
        return list_view(pair, self._legs(pair), self._name(pair), reports=False)

    def open_lists(self, call: Call) -> list[dict[str, Any]]:
        mine = [pair for pair in self.exchange.lists.values() if pair.account == call.client.name and not pair.done]
        return [list_view(pair, self._legs(pair), self._name(pair), reports=False) for pair in mine]

    def cancel_list(self, call: Call) -> dict[str, Any]:
        pair = self._pair(call, -2011, "Unknown order list sent.")
        legs = self._legs(pair)
        open_legs = [leg for leg in legs if leg.open]
        if not open_legs:
            raise declined(-2011, "Unknown order list sent.")
        self.exchange.cancel(open_legs[0], call.now_ms)
        return list_view(pair, legs, self._name(pair), reports=True)

    def _create_pair(self, call: Call, read: Callable[[dict[str, str], Instrument], Any]) -> dict[str, Any]:
        instrument = self._instrument(call)
        first, second = read(call.params, instrument)
        try:
            pair = self.exchange.place_pair(
                call.client, first, second, client_id(call.params, "listClientOrderId"), call.now_ms
            )
        except Rejection as rejection:
            raise refused(rejection) from None
        call.facts["order_ids"] = list(pair.order_ids)
        return list_view(pair, self._legs(pair), instrument.pair, reports=True)

    def _pair(self, call: Call, code: int, message: str) -> OrderList:
        wanted = call.params.get("orderListId")
        named = call.params.get("listClientOrderId") or call.params.get("origClientOrderId")
        for pair in self.exchange.lists.values():
            if pair.account == call.client.name and (str(pair.id) == wanted or (named and pair.client_id == named)):
                return pair
        raise declined(code, message)

    def _legs(self, pair: OrderList) -> list[Order]:
        return [self.exchange.orders[order_id] for order_id in pair.order_ids]

    def _name(self, pair: OrderList) -> str:
        return self.exchange.markets[pair.symbol].instrument.pair

    def _instrument(self, call: Call) -> Instrument:
        return self.market_data.market(call).instrument

    def _named(self, call: Call, symbol: str) -> Order:
        return self._found(call, symbol, call.params)

    def _found(self, call: Call, symbol: str, params: dict[str, str]) -> Order:
        number, named = params.get("orderId"), params.get("origClientOrderId")
        if number is None and named is None:
            raise declined(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        if number is not None and not number.isdigit():
            raise declined(-1100, "Illegal characters found in parameter 'orderId'; legal range is '^[0-9]{1,20}$'.")
        return self.exchange.find(call.client, symbol, order_id=int(number) if number else None, client_id=named)

    def _fill_late(self, order: Order, quantity: Decimal) -> None:
        self.exchange.late_fill(order, quantity, self.simulator.now_ms())
        self.simulator.publish()


def _replace_failed(canceled: str, cancel: Any, created: str, create: Any) -> Declined:
    code, message = (
        (-2022, "Order cancel-replace failed.")
        if created != "SUCCESS" and canceled != "SUCCESS"
        else (
            -2021,
            "Order cancel-replace partially failed.",
        )
    )
    data = {
        "cancelResult": canceled,
        "newOrderResult": created,
        "cancelResponse": cancel,
        "newOrderResponse": create,
    }
    status = 400 if code == -2022 else 409  # noqa: PLR2004 - Binance's own code
    return declined(code, message, status, applied="SUCCESS" in {canceled, created}, data=data)


def _span(call: Call) -> tuple[int, int]:
    start, end = int(call.params.get("startTime", 0)), int(call.params.get("endTime", 2**62))
    if "startTime" in call.params and "endTime" in call.params and end - start > DAY_MS:
        raise declined(-1127, "More than 24 hours between startTime and endTime.")
    return start, end
