"""The exchange: orders come in, prices move, fills and balances follow. Pure: no clock, no randomness, no I/O."""

from dataclasses import dataclass
from decimal import Decimal

from workers.exchange_simulator.engine import fill_plan
from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.books import Books, paying_asset
from workers.exchange_simulator.engine.events import ListEvent
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
class Exchange(Books):
    """What clients and the market do to the books."""

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
            self.lock(account, order, market)
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
        needs = [self.needed(account, leg, market) for leg in legs]
        account.lock(paying_asset(legs[0], market.instrument), max(needs))
        legs[0].locked = max(needs)  # the first leg carries the lock of both
        self.last_list_id += 1
        made = OrderList(self.last_list_id, account.name, client_id, first.symbol, (legs[0].id, legs[1].id), now_ms)
        self.lists[made.id] = made
        for one in legs:
            one.list_id = made.id
            self._book(one, now_ms)
        self.events.append(ListEvent(made, now_ms))
        return made

    def cancel(self, order: Order, now_ms: int, *, cancel_id: str = "", keep_lock: bool = False) -> Order:
        """Take an open order off the book (and its list with it); raises ``Rejection`` for a finished one."""
        if not order.open:
            raise Rejection(Reason.UNKNOWN_ORDER)
        order.cancel_id = cancel_id
        self.end(order, Status.CANCELED, now_ms, keep_lock=keep_lock)
        self.end_partner(order, Status.CANCELED, now_ms)
        return order

    def late_fill(self, order: Order, quantity: Decimal, now_ms: int) -> Trade | None:
        """Fill a canceled order after the fact from the funds that ``cancel(keep_lock=True)`` kept; frees the rest."""
        account, market = self.accounts[order.account], self.market(order.symbol)
        amount = min(market.instrument.on_step(quantity), order.remaining)
        trade = None
        if amount > 0:
            price = order.price or market.price
            trade = self.fill(account, order, market.instrument, price, amount, maker=True, now_ms=now_ms)
        self.release(account, order, market.instrument, now_ms)
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
        account.release(paying_asset(order, market.instrument), order.locked)
        order.locked, order.quantity, order.price = ZERO, wished.quantity, wished.price
        try:
            self.lock(account, order, market)
        except Rejection:
            order.quantity, order.price, order.locked = before
            account.lock(paying_asset(order, market.instrument), order.locked)
            raise
        self.changed(order, "replaced", now_ms)
        self.balances(account, market.instrument, now_ms)
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
            asset = paying_asset(order, market.instrument)
            if account.balance(asset).free < max(need, ZERO if order.side is Side.BUY else order.quantity):
                raise Rejection(Reason.INSUFFICIENT_BALANCE, f"{need} {asset} wanted")
        else:
            self.lock(account, order, market)
        if order.quote_quantity is not None:
            order.quantity = fill_plan.total(plan)
        self._book(order, now_ms)
        self._take(account, order, market, plan, now_ms)
        if order.open and (order.type is OrderType.MARKET or order.time_in_force in {"IOC", "FOK"}):
            self.end(order, Status.EXPIRED, now_ms)

    def _take(
        self, account: Account, order: Order, market: Market, plan: list[fill_plan.PlannedFill], now_ms: int
    ) -> None:
        for fill in plan:
            price = fill.price
            if order.price is not None:  # a forced fill never costs more than the order allows
                price = min(price, order.price) if order.side is Side.BUY else max(price, order.price)
            market.depth.take(order.side, fill.level, fill.quantity)
            self.fill(account, order, market.instrument, price, fill.quantity, maker=False, now_ms=now_ms)

    def _book(self, order: Order, now_ms: int) -> None:
        self.index(order)
        self.changed(order, "new", now_ms)
        account = self.accounts[order.account]
        if order.locked:
            self.balances(account, self.market(order.symbol).instrument, now_ms)

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
            self.fill(account, order, market.instrument, order.price, fill.quantity, maker=True, now_ms=now_ms)
        self.end_partner(order, Status.EXPIRED, now_ms)

    def _fire(self, order: Order, market: Market, now_ms: int) -> None:
        """A waiting order becomes a market or limit order; what it can't pay for by then expires."""
        account = self.accounts[order.account]
        self.end_partner(order, Status.EXPIRED, now_ms)
        order.working, order.working_ms, order.updated_ms = True, now_ms, now_ms
        if not order.locked:
            try:
                self.lock(account, order, market)
            except Rejection:
                self.end(order, Status.EXPIRED, now_ms)
                return
        self.changed(order, "working", now_ms)
        plan = fill_plan.taking(market.depth, order.side, quantity=order.remaining, limit=order.price)
        if order.price is None and order.side is Side.BUY:
            plan = _affordable(plan, order.locked + account.balance(market.instrument.quote).free)
        self._take(account, order, market, plan, now_ms)
        if order.open and order.price is None:
            self.end(order, Status.EXPIRED, now_ms)

    def _expire(self, symbol: str, now_ms: int) -> None:
        for order in list(self.open_orders.get(symbol, {}).values()):
            if order.expires_ms and order.expires_ms <= now_ms:
                self.end(order, Status.EXPIRED, now_ms)


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
