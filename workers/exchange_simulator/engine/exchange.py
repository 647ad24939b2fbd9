"""The exchange: orders come in, prices move, fills and balances follow. Pure: no clock, no randomness, no I/O."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from workers.exchange_simulator.engine import fill_plan
from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.events import BalanceEvent, Event, ListEvent, OrderEvent
from workers.exchange_simulator.engine.fees import fee_of
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.market import Market
from workers.exchange_simulator.engine.order_checks import check_filters, check_trigger
from workers.exchange_simulator.engine.orders import (
    PRICED,
    WAITING,
    ZERO,
    Order,
    OrderList,
    OrderRequest,
    OrderType,
    Side,
    Status,
    Trade,
)
from workers.exchange_simulator.engine.rejections import Reason, Rejection
from workers.exchange_simulator.engine.triggers import is_triggered


@dataclass(frozen=True, slots=True)
class Handling:
    """How faults bend one order: ``fill_share`` of it fills at once, whatever its price; it is seen by queries
    ``hidden_ms`` later; ``foreign``: another client of the same account sent it.
    """

    fill_share: Decimal | None = None
    hidden_ms: int = 0
    foreign: bool = False


PLAIN = Handling()


@dataclass(slots=True)
class Exchange:
    """All accounts, markets and orders of one exchange. Events collect in ``events`` until ``drain``."""

    accounts: dict[str, Account]
    markets: dict[str, Market]
    orders: dict[int, Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
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

    def place(self, account: Account, request: OrderRequest, now_ms: int, handling: Handling = PLAIN) -> Order:
        """Take an order, match it at once where it matches. Raises ``Rejection``; then nothing has changed."""
        market = self.market(request.symbol)
        held = self.open_counts[account.name, request.symbol].values()
        check_filters(request, market.instrument, market.price, held)
        check_trigger(request, market.price)
        known = self.by_client_id.get((account.name, request.client_id))
        if known is not None and known.open:
            raise Rejection(Reason.DUPLICATE_CLIENT_ID)
        order = self._order_of(account, request, now_ms, handling)
        if order.type in WAITING:
            self._lock(account, order, market)
            self._book(order, now_ms)
        else:
            self._enter(account, order, market, now_ms, handling.fill_share)
        return order

    def place_pair(
        self, account: Account, first: OrderRequest, second: OrderRequest, client_id: str, now_ms: int
    ) -> OrderList:
        """An OCO: ``first`` is the limit (or take-profit) leg, ``second`` the stop leg. Raises ``Rejection``."""
        market = self.market(first.symbol)
        for leg in (first, second):
            check_filters(leg, market.instrument, market.price, self.open_counts[account.name, leg.symbol].values())
            known = self.by_client_id.get((account.name, leg.client_id))
            if known is not None and known.open:
                raise Rejection(Reason.DUPLICATE_CLIENT_ID)
        _check_sides(first, second, market.price)
        check_trigger(second, market.price)
        legs = [self._order_of(account, leg, now_ms, PLAIN) for leg in (first, second)]
        needs = [self._needed(account, leg, market) for leg in legs]
        account.lock(_paying_asset(legs[0], market.instrument), max(needs))
        legs[0].locked = max(needs)  # the first leg carries the lock of both
        self.last_list_id += 1
        made = OrderList(self.last_list_id, account.name, client_id, first.symbol, (legs[0].id, legs[1].id), now_ms)
        self.lists[made.id] = made
        for leg in legs:
            leg.list_id = made.id
            self._book(leg, now_ms)
        self.events.append(ListEvent(made, now_ms))
        return made

    def cancel(self, order: Order, now_ms: int, *, cancel_id: str = "", keep_lock: bool = False) -> Order:
        """Take an open order off the book (and its list with it); raises ``Rejection`` for a finished one."""
        if not order.open:
            raise Rejection(Reason.UNKNOWN_ORDER)
        order.cancel_id = cancel_id
        self._end(order, Status.CANCELED, now_ms, keep_lock=keep_lock)
        self._end_partner(order, Status.CANCELED, now_ms)
        return order

    def late_fill(self, order: Order, quantity: Decimal, now_ms: int) -> Trade | None:
        """Fill a canceled order after the fact from the funds that ``cancel(keep_lock=True)`` kept; frees the rest."""
        account, market = self.accounts[order.account], self.market(order.symbol)
        amount = min(market.instrument.on_step(quantity), order.remaining)
        trade = None
        if amount > 0:
            price = order.price or market.price
            trade = self._fill(account, order, market.instrument, price, amount, maker=True, now_ms=now_ms)
        self._release(account, order, market.instrument, now_ms)
        return trade

    def reprice(self, order: Order, now_ms: int, *, quantity: Decimal | None, price: Decimal | None) -> Order:
        """Change a resting limit order in place, keeping its id (Kraken's amend). Raises ``Rejection``."""
        if not order.open or order.type is not OrderType.LIMIT:
            raise Rejection(Reason.UNKNOWN_ORDER)
        account, market = self.accounts[order.account], self.market(order.symbol)
        wished = OrderRequest(
            order.symbol, order.side, order.type, quantity or order.quantity, price=price or order.price
        )
        check_filters(wished, market.instrument, market.price, ())
        if wished.quantity is None or wished.quantity <= order.filled:
            raise Rejection(Reason.LOT_SIZE)
        before = order.quantity, order.price, order.locked
        account.release(_paying_asset(order, market.instrument), order.locked)
        order.locked, order.quantity, order.price = ZERO, wished.quantity, wished.price
        try:
            self._lock(account, order, market)
        except Rejection:
            order.quantity, order.price, order.locked = before
            account.lock(_paying_asset(order, market.instrument), order.locked)
            raise
        self._changed(order, "replaced", now_ms)
        self._balances(account, market.instrument, now_ms)
        self._match_resting(order, market, now_ms)
        return order

    def advance(self, market_ms: int, now_ms: int) -> None:
        """Let market time pass on every market; orders trigger, fill and expire on the way. ``now_ms`` stamps them."""
        for symbol, market in self.markets.items():
            for _ in market.advance(market_ms):
                self._settle(symbol, market, now_ms)
            self._expire(symbol, now_ms)

    def settle(self, symbol: str, now_ms: int) -> None:
        """Match what rests against the price as it stands, after somebody moved it by hand."""
        self._settle(symbol, self.market(symbol), now_ms)

    def change_balance(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> None:
        """Money that comes from outside (or leaves, below zero)."""
        account.balance(asset).free += amount
        account.updated_ms = now_ms
        self.events.append(BalanceEvent(account, (asset,), now_ms, outside=format(amount, "f")))

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
            self._index(order)
            self.last_order_id = max(self.last_order_id, order.id)
            if not order.open and order.locked:
                self._release(self.accounts[order.account], order, self.market(order.symbol).instrument, 0)
        for trade in trades:
            self.trades_of[trade.account, trade.symbol].append(trade)
            self.orders[trade.order_id].trades.append(trade)
            self.last_trade_id = max(self.last_trade_id, trade.id)
        for pair in lists:
            self.lists[pair.id] = pair
            self.last_list_id = max(self.last_list_id, pair.id)

    # entering

    def _order_of(self, account: Account, request: OrderRequest, now_ms: int, handling: Handling) -> Order:
        self.last_order_id += 1
        return Order(
            id=self.last_order_id,
            account=account.name,
            client_id=request.client_id or f"sim-{self.last_order_id}",
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            quantity=request.quantity or ZERO,
            created_ms=now_ms,
            updated_ms=now_ms,
            quote_quantity=request.quote_quantity,
            price=request.price if request.type in PRICED else None,
            stop_price=request.stop_price,
            trailing_bps=request.trailing_bps,
            trailing_distance=request.trailing_distance,
            post_only=request.post_only,
            fee_in=request.fee_in,
            expires_ms=request.expires_ms,
            working=request.type not in WAITING,
            working_ms=now_ms if request.type not in WAITING else 0,
            visible_ms=now_ms + handling.hidden_ms if handling.hidden_ms else 0,
            foreign=handling.foreign,
        )

    def _enter(self, account: Account, order: Order, market: Market, now_ms: int, share: Decimal | None = None) -> None:
        """A market or limit order meets the book: checks first, then the order, then its fills."""
        limit = None if share is not None else order.price
        plan = fill_plan.taking(
            market.depth,
            order.side,
            quantity=None if order.quote_quantity is not None else order.quantity,
            quote_quantity=order.quote_quantity,
            limit=limit,
            share=share,
        )
        if order.post_only and plan and share is None:
            raise Rejection(Reason.WOULD_TAKE)
        if order.time_in_force == "FOK" and fill_plan.total(plan) < order.quantity:
            plan = []
        if order.type is OrderType.MARKET:
            worth = sum((fill.price * fill.quantity for fill in plan), ZERO)
            need = max(worth, order.quote_quantity or ZERO) if order.side is Side.BUY else fill_plan.total(plan)
            asset = _paying_asset(order, market.instrument)
            if account.balance(asset).free < max(need, ZERO if order.side is Side.BUY else order.quantity):
                raise Rejection(Reason.INSUFFICIENT_BALANCE, f"{need} {asset} wanted")
        else:
            self._lock(account, order, market)
        if order.quote_quantity is not None:
            order.quantity = fill_plan.total(plan)
        self._book(order, now_ms)
        self._take(account, order, market, plan, now_ms)
        if order.open and (order.type is OrderType.MARKET or order.time_in_force in {"IOC", "FOK"}):
            self._end(order, Status.EXPIRED, now_ms)

    def _take(
        self, account: Account, order: Order, market: Market, plan: list[fill_plan.PlannedFill], now_ms: int
    ) -> None:
        for fill in plan:
            price = fill.price
            if order.price is not None:  # a forced fill never costs more than the order allows
                price = min(price, order.price) if order.side is Side.BUY else max(price, order.price)
            market.depth.take(order.side, fill.level, fill.quantity)
            self._fill(account, order, market.instrument, price, fill.quantity, maker=False, now_ms=now_ms)

    def _book(self, order: Order, now_ms: int) -> None:
        self._index(order)
        self._changed(order, "new", now_ms)
        account = self.accounts[order.account]
        if order.locked:
            self._balances(account, self.market(order.symbol).instrument, now_ms)

    def _index(self, order: Order) -> None:
        self.orders[order.id] = order
        self.by_client_id[order.account, order.client_id] = order
        self.of_account[order.account, order.symbol].append(order)
        if order.open:
            self.open_orders[order.symbol][order.id] = order
            self.open_counts[order.account, order.symbol][order.id] = order

    # moving prices

    def _settle(self, symbol: str, market: Market, now_ms: int) -> None:
        orders = self.open_orders.get(symbol)
        if not orders or not market.instrument.trading:
            return
        for order in list(orders.values()):
            if not order.open:
                continue  # its partner filled a moment ago
            if not order.working:
                if is_triggered(order, market.price):
                    self._fire(order, market, now_ms)
            else:
                self._match_resting(order, market, now_ms)

    def _match_resting(self, order: Order, market: Market, now_ms: int) -> None:
        if order.price is None:
            return
        best = market.depth.best_ask() if order.side is Side.BUY else market.depth.best_bid()
        if best > order.price if order.side is Side.BUY else best < order.price:
            return
        account = self.accounts[order.account]
        for fill in fill_plan.taking(market.depth, order.side, quantity=order.remaining, limit=order.price):
            market.depth.take(order.side, fill.level, fill.quantity)
            self._fill(account, order, market.instrument, order.price, fill.quantity, maker=True, now_ms=now_ms)
        self._end_partner(order, Status.EXPIRED, now_ms)

    def _fire(self, order: Order, market: Market, now_ms: int) -> None:
        """A waiting order becomes a market or limit order; what it can't pay for by then expires."""
        account = self.accounts[order.account]
        self._end_partner(order, Status.EXPIRED, now_ms)
        order.working, order.working_ms, order.updated_ms = True, now_ms, now_ms
        if not order.locked:
            try:
                self._lock(account, order, market)
            except Rejection:
                self._end(order, Status.EXPIRED, now_ms)
                return
        self._changed(order, "working", now_ms)
        plan = fill_plan.taking(market.depth, order.side, quantity=order.remaining, limit=order.price)
        if order.price is None and order.side is Side.BUY:
            plan = _affordable(plan, order.locked + account.balance(market.instrument.quote).free)
        self._take(account, order, market, plan, now_ms)
        if order.open and order.price is None:
            self._end(order, Status.EXPIRED, now_ms)

    def _expire(self, symbol: str, now_ms: int) -> None:
        for order in list(self.open_orders.get(symbol, {}).values()):
            if order.expires_ms and order.expires_ms <= now_ms:
                self._end(order, Status.EXPIRED, now_ms)

    # money

    def _needed(self, account: Account, order: Order, market: Market) -> Decimal:
        if order.side is Side.SELL:
            return order.remaining
        worth = order.remaining * (order.price or order.stop_price or market.price)
        if (order.fee_in or account.fee_in) == "quote":
            worth += worth * max(account.taker_rate, account.maker_rate)
        return worth

    def _lock(self, account: Account, order: Order, market: Market) -> None:
        need = self._needed(account, order, market)
        account.lock(_paying_asset(order, market.instrument), need)
        order.locked = need

    def _fill(
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
        paid = account.balance(_paying_asset(order, instrument))
        cost, gain_asset, gain = (
            (worth, instrument.base, quantity) if order.side is Side.BUY else (quantity, instrument.quote, worth)
        )
        from_lock = min(order.locked, cost)
        order.locked -= from_lock
        paid.locked -= from_lock
        paid.free -= cost - from_lock
        account.balance(gain_asset).free += gain
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
            self._release(account, order, instrument, now_ms, tell=False)
        self._changed(order, "trade", now_ms, trade)
        self._balances(account, instrument, now_ms, fee_asset)
        return trade

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

    # endings

    def _end(self, order: Order, status: Status, now_ms: int, *, keep_lock: bool = False) -> None:
        order.status, order.updated_ms = status, now_ms
        self._close(order)
        account = self.accounts[order.account]
        instrument = self.market(order.symbol).instrument
        had = order.locked
        if not keep_lock:
            self._release(account, order, instrument, now_ms, tell=False)
        self._changed(order, status.value, now_ms)
        if had and not keep_lock:
            self._balances(account, instrument, now_ms)

    def _end_partner(self, order: Order, status: Status, now_ms: int) -> None:
        """One leg of an OCO acted: the other one ends, and the list with it."""
        pair = self.lists.get(order.list_id)
        if pair is None or pair.done or (order.open and order.working and not order.filled):
            return
        pair.done = True
        for order_id in pair.order_ids:
            partner = self.orders[order_id]
            if partner is not order and partner.open:
                self._end(partner, status, now_ms)
        self.events.append(ListEvent(pair, now_ms))

    def _close(self, order: Order) -> None:
        self.open_orders[order.symbol].pop(order.id, None)
        self.open_counts[order.account, order.symbol].pop(order.id, None)

    def _release(
        self, account: Account, order: Order, instrument: Instrument, now_ms: int, *, tell: bool = True
    ) -> None:
        if order.locked:
            account.release(_paying_asset(order, instrument), order.locked)
            order.locked = ZERO
            if tell:
                self._changed(order, "released", now_ms)
                self._balances(account, instrument, now_ms)

    def _changed(self, order: Order, kind: str, now_ms: int, trade: Trade | None = None) -> None:
        told = (order.status.value, format(order.filled, "f"), format(order.quote_filled, "f"))
        self.events.append(OrderEvent(kind, order, *told, trade, now_ms))

    def _balances(self, account: Account, instrument: Instrument, now_ms: int, *more: str) -> None:
        assets = tuple(dict.fromkeys((instrument.base, instrument.quote, *more)))
        account.updated_ms = now_ms
        self.events.append(BalanceEvent(account, assets, now_ms))


def _paying_asset(order: Order, instrument: Instrument) -> str:
    return instrument.quote if order.side is Side.BUY else instrument.base


def _affordable(plan: list[fill_plan.PlannedFill], budget: Decimal) -> list[fill_plan.PlannedFill]:
    """The fills that the funds cover; a purchase whose price ran away ends there."""
    kept = []
    for fill in plan:
        budget -= fill.price * fill.quantity
        if budget < 0:
            break
        kept.append(fill)
    return kept


def _check_sides(first: OrderRequest, second: OrderRequest, price: Decimal) -> None:
    """A selling OCO has its limit above the price and its stop below, a buying one the other way round."""
    limit, stop = first.price or first.stop_price, second.stop_price
    if limit is None or stop is None:
        raise Rejection(Reason.BAD_PRICES)
    sound = limit > price > stop if first.side is Side.SELL else limit < price < stop
    if not sound:
        raise Rejection(Reason.BAD_PRICES)
