"""Accounts, orders, fills and locks: what every change of an order does to the money. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from workers.exchange_simulator.engine.accounts import Account, OutsideTransfer
from workers.exchange_simulator.engine.events import BalanceEvent, Event, ListEvent, OrderEvent
from workers.exchange_simulator.engine.fees import fee_of
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.market import Market
from workers.exchange_simulator.engine.orders import ZERO, Order, OrderList, Side, Status, Trade
from workers.exchange_simulator.engine.rejections import Reason, Rejection


@dataclass(slots=True)
class Books:
    """All accounts, markets and orders of one exchange. Events collect in ``events`` until ``drain``."""

    accounts: dict[str, Account]
    markets: dict[str, Market]
    orders: dict[int, Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    transfers: list[OutsideTransfer] = field(default_factory=list)
    open_orders: dict[str, dict[int, Order]] = field(default_factory=lambda: defaultdict(dict))
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    of_account: dict[tuple[str, str], list[Order]] = field(default_factory=lambda: defaultdict(list))
    trades_of: dict[tuple[str, str], list[Trade]] = field(default_factory=lambda: defaultdict(list))
    open_counts: dict[tuple[str, str], dict[int, Order]] = field(default_factory=lambda: defaultdict(dict))
    events: list[Event] = field(default_factory=list)
    last_order_id: int = 0
    last_trade_id: int = 0
    last_list_id: int = -1

    def drain(self) -> list[Event]:
        """What happened since the last call."""
        happened, self.events = self.events, []
        return happened

    def market(self, symbol: str) -> Market:
        try:
            return self.markets[symbol]
        except KeyError:
            raise Rejection(Reason.UNKNOWN_SYMBOL) from None

    def find(self, account: Account, symbol: str, *, order_id: int | None, client_id: str | None) -> Order:
        """One order by its number or, the newest, by its client id; raises ``Rejection`` when there is none."""
        if order_id is not None:
            order = self.orders.get(order_id)
        else:
            order = self.by_client_id.get((account.name, client_id or ""))
        if order is None or order.account != account.name or (symbol and order.symbol != symbol):
            raise Rejection(Reason.UNKNOWN_ORDER)
        return order

    def restore(self, orders: Iterable[Order], trades: Iterable[Trade], lists: Iterable[OrderList]) -> None:
        """Put stored books back; locks of finished orders that a late fill never came for are freed."""
        for order in orders:
            self.index(order)
            self.last_order_id = max(self.last_order_id, order.id)
            if not order.open and order.locked:
                self.release(self.accounts[order.account], order, self.market(order.symbol).instrument, 0)
        for trade in trades:
            self.trades_of[trade.account, trade.symbol].append(trade)
            self.orders[trade.order_id].trades.append(trade)
            self.last_trade_id = max(self.last_trade_id, trade.id)
        for pair in lists:
            self.lists[pair.id] = pair
            self.last_list_id = max(self.last_list_id, pair.id)

    def change_balance(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> None:
        """Money that comes from outside (or leaves, below zero)."""
        account.balance(asset).free += amount
        account.updated_ms = now_ms
        self.events.append(BalanceEvent(account, (asset,), now_ms, outside=format(amount, "f")))

    def transfer(self, transfer: OutsideTransfer) -> None:
        """A deposit or withdrawal, listed."""
        self.transfers.append(transfer)
        self.change_balance(self.accounts[transfer.account], transfer.asset, transfer.amount, transfer.at_ms)

    def index(self, order: Order) -> None:
        self.orders[order.id] = order
        self.by_client_id[order.account, order.client_id] = order
        self.of_account[order.account, order.symbol].append(order)
        if order.open:
            self.open_orders[order.symbol][order.id] = order
            self.open_counts[order.account, order.symbol][order.id] = order

    def needed(self, account: Account, order: Order, market: Market) -> Decimal:
        if order.side is Side.SELL:
            return order.remaining
        worth = order.remaining * (order.price or order.stop_price or market.price)
        if (order.fee_in or account.fee_in) == "quote":
            worth += worth * max(account.taker_rate, account.maker_rate)
        return worth

    def lock(self, account: Account, order: Order, market: Market) -> None:
        need = self.needed(account, order, market)
        account.lock(paying_asset(order, market.instrument), need)
        order.locked = need

    def fill(
        self,
        account: Account,
        order: Order,
        instrument: Instrument,
        price: Decimal,
        quantity: Decimal,
        *,
        maker: bool,
        now_ms: int,
    ) -> Trade:
        worth = price * quantity
        fee, fee_asset = fee_of(
            account=account,
            instrument=instrument,
            side=order.side,
            quantity=quantity,
            worth=worth,
            maker=maker,
            fee_in=order.fee_in,
            price_of=self._price_of,
        )
        self._exchange(account, order, instrument, quantity, worth)
        self._charge(account, order, fee, fee_asset, instrument)
        order.filled += quantity
        order.quote_filled += worth
        order.updated_ms = account.updated_ms = now_ms
        self.last_trade_id += 1
        trade = Trade(
            id=self.last_trade_id,
            order_id=order.id,
            account=account.name,
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            quote_quantity=worth,
            fee=fee,
            fee_asset=fee_asset,
            maker=maker,
            at_ms=now_ms,
            visible_ms=order.visible_ms,
            list_id=order.list_id,
        )
        order.trades.append(trade)
        self.trades_of[account.name, order.symbol].append(trade)
        if order.open:
            order.status = Status.FILLED if order.remaining <= 0 else Status.PARTIALLY_FILLED
        if order.status is Status.FILLED:
            self._close(order)
            self.release(account, order, instrument, now_ms, tell=False)
        self.changed(order, "trade", now_ms, trade)
        self.balances(account, instrument, now_ms, fee_asset)
        return trade

    @staticmethod
    def _exchange(account: Account, order: Order, instrument: Instrument, quantity: Decimal, worth: Decimal) -> None:
        """Pay from what the order locked, then from what is free, and take what was bought."""
        paid = account.balance(paying_asset(order, instrument))
        cost, gain_asset, gain = (
            (worth, instrument.base, quantity) if order.side is Side.BUY else (quantity, instrument.quote, worth)
        )
        from_lock = min(order.locked, cost)
        order.locked -= from_lock
        paid.locked -= from_lock
        paid.free -= cost - from_lock
        account.balance(gain_asset).free += gain

    @staticmethod
    def _charge(account: Account, order: Order, fee: Decimal, asset: str, instrument: Instrument) -> None:
        held = account.balance(asset)
        if order.side is Side.BUY and asset == instrument.quote:
            from_lock = min(order.locked, fee)
            order.locked -= from_lock
            held.locked -= from_lock
            held.free -= fee - from_lock
        else:
            held.free -= fee

    def _price_of(self, asset: str, quote: str) -> Decimal | None:
        market = self.markets.get(f"{asset}/{quote}")
        return market.price if market is not None and market.price > 0 else None

    def end(self, order: Order, status: Status, now_ms: int, *, keep_lock: bool = False) -> None:
        order.status, order.updated_ms = status, now_ms
        self._close(order)
        account = self.accounts[order.account]
        instrument = self.market(order.symbol).instrument
        had = order.locked
        if not keep_lock:
            self.release(account, order, instrument, now_ms, tell=False)
        self.changed(order, status.value, now_ms)
        if had and not keep_lock:
            self.balances(account, instrument, now_ms)

    def end_partner(self, order: Order, status: Status, now_ms: int) -> None:
        """One leg of an OCO acted: the other one ends, and the list with it."""
        pair = self.lists.get(order.list_id)
        if pair is None or pair.done or (order.open and order.working and not order.filled):
            return
        pair.done = True
        for order_id in pair.order_ids:
            partner = self.orders[order_id]
            if partner is not order and partner.open:
                self.end(partner, status, now_ms)
        self.events.append(ListEvent(pair, now_ms))

    def _close(self, order: Order) -> None:
        self.open_orders[order.symbol].pop(order.id, None)
        self.open_counts[order.account, order.symbol].pop(order.id, None)

    def release(
        self, account: Account, order: Order, instrument: Instrument, now_ms: int, *, tell: bool = True
    ) -> None:
        if order.locked:
            account.release(paying_asset(order, instrument), order.locked)
            order.locked = ZERO
            if tell:
                self.changed(order, "released", now_ms)
                self.balances(account, instrument, now_ms)

    def changed(self, order: Order, kind: str, now_ms: int, trade: Trade | None = None) -> None:
        told = (order.status.value, format(order.filled, "f"), format(order.quote_filled, "f"))
        self.events.append(OrderEvent(kind, order, *told, trade, now_ms))

    def balances(self, account: Account, instrument: Instrument, now_ms: int, *more: str) -> None:
        assets = tuple(dict.fromkeys((instrument.base, instrument.quote, *more)))
        account.updated_ms = now_ms
        self.events.append(BalanceEvent(account, assets, now_ms))


def paying_asset(order: Order, instrument: Instrument) -> str:
    return instrument.quote if order.side is Side.BUY else instrument.base
