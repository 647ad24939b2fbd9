"""What trades do to locked rows, worked out in memory, and the few statements that write it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.correlation import bind
from apps.foundation.identifiers import derived_id
from apps.foundation.money import ZERO, plain
from apps.market import queries as market
from apps.market.domain.instruments import InstrumentRules, split_symbol
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.ledger_postings import (
    FIRM,
    bought,
    deposit,
    fee_in_held_units,
    fee_in_other_asset,
    fee_in_units,
    release,
    sold,
    within_budget,
)
from apps.trading.domain.books.positions import (
    FillEffect,
    PositionState,
    after_fee_in_units,
    after_fill,
    losses_in_row_after,
)
from apps.trading.domain.books.trade_fees import TradeFee, fee_of_trade
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState, require_move
from apps.trading.domain.stops.stop_placement import StopRule
from apps.trading.models import (
    Fill,
    LedgerAccount,
    LedgerKind,
    Order,
    Portfolio,
    Position,
)
from apps.trading.operations.books.post_transfer import Transfer, post_transfers
from apps.trading.operations.orders.tidings import Tidings
from apps.trading.operations.protection.stop_rule import stop_rule
from apps.trading.operations.risk.want_incident import want_incident
from apps.trading.ports import VenueFill
from apps.trading.queries.position_budget import position_budget

_CHANGED = (
    "filled_quantity",
    "filled_cost",
    "fees",
    "average_price",
    "reserved_left",
    "state",
    "state_wall",
    "state_firm",
    "state_actor",
    "state_note",
    "done_wall",
    "venue_order_id",
)
_UPDATE_ORDER = f"UPDATE trading_order SET {', '.join(f'{name} = %s' for name in _CHANGED)} WHERE id = %s"  # noqa: S608 - our own column names


# Causes of transfers. A fee in a third asset is paid with what is held of it, else with what the venue must have had.
FEE_FUNDING, FEE_OF_UNITS = "fee_funding", "fee_of_units"


class OverFillError(AssertionError):
    """The venue reports more trades of an order than its quantity, or another side or instrument than it has."""


@dataclass(slots=True)
class FillBooks:
    """The rows that trades change, all locked, and what is still to be written of them.

    ``post`` each trade, ``write`` all, look after stops and groups, ``tell``. Nothing of it outlives the transaction.
    """

    portfolio: Portfolio
    orders: dict[Any, Order]
    positions: dict[str, Position]
    moment: Moment
    paid_with: set[str] = field(default_factory=set)  # instruments whose units paid fees of other trades
    tidings: Tidings = field(init=False)
    _transfers: list[Transfer] = field(default_factory=list)
    _fills: list[Fill] = field(default_factory=list)
    _changes: list[tuple[Any, ...]] = field(default_factory=list)
    _results: bool = False
    _rules: dict[str, InstrumentRules] = field(default_factory=dict)
    _stop_rules: dict[str, StopRule] = field(default_factory=dict)
    _budgets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tidings = Tidings(self.portfolio.pk)

    def post(self, order: Order, fill: VenueFill) -> None:
        """One trade. Raises ``OverFillError``, ``FillExceedsPositionError``."""
        _check_room(order, fill)
        position, fee = self.positions[fill.symbol], _fee_of(fill)
        effect = after_fill(
            state_of(position),
            side=fill.side,
            quantity=fee.units,
            price=fill.price,
            fee=fee.in_quote,
            at_firm=fill.executed_firm,
            rules=self.rules_of(fill.symbol),
        )
        from_reserved = self._book(order, position, fill, fee, effect)
        self._fills.append(_fill_row(order, fill, fee, effect, self.moment))
        self._move_position(position, effect, fill)
        self._count_result(effect, fill)
        late = order.state in TERMINAL
        self._move_order(order, fill, fee, from_reserved)
        self._record(order, fill, effect, late)

    def write(self) -> None:
        """Books, fills, orders, positions and the count of losses."""
        self._write_transfers()
        Fill.objects.bulk_create(self._fills)
        with connection.cursor() as cursor:  # in the trades' order, so that each order's history is what happened
            cursor.executemany(_UPDATE_ORDER, self._changes)
        for position in self.positions.values():
            position.save()
        if self._results:
            self.portfolio.save(update_fields=["losses_in_row", "last_loss_firm"])

    def rules_of(self, symbol: str) -> InstrumentRules:
        """Steps and minimums of an instrument, read once."""
        if symbol not in self._rules:
            self._rules[symbol] = market.instrument_rules(symbol)
        return self._rules[symbol]

    def tell(self) -> None:
        """Events and audit entries, which lock the chain's head, last."""
        self.tidings.send(self.moment)

    def _write_transfers(self) -> None:
        post_transfers(self._transfers, moment=self.moment)
        self._transfers.clear()

    def _budget(self, order: Order, position: Position, effect: FillEffect) -> str:
        """What pays a buy, and what a sale pays back to: the budget that the position was bought with."""
        symbol = position.symbol
        if order.side == "buy":
            if effect.opens:
                self._budgets[symbol] = order.budget
            return order.budget
        if symbol not in self._budgets:
            self._budgets[symbol] = position_budget(portfolio_id=self.portfolio.pk, symbol=symbol) or FIRM
        return self._budgets[symbol]

    def _book(self, order: Order, position: Position, fill: VenueFill, fee: TradeFee, effect: FillEffect) -> Decimal:
        """The trade's transfer; what of it the reservation pays."""
        base, quote = split_symbol(fill.symbol)
        needed = effect.cost + fee.in_quote if fill.side == "buy" else fee.units
        from_reserved = min(order.reserved_left, needed)
        amounts: dict[str, Any] = {
            "base": base,
            "quote": quote,
            "quantity": fee.units,
            "fee": fee.in_quote,
            "from_reserved": from_reserved,
        }
        if fill.side == "buy":
            postings = bought(cost=effect.cost, **amounts)
        else:
            postings = sold(proceeds=effect.cost, cost_removed=effect.cost_removed, **amounts)
        postings += fee_in_units(base=base, amount=fee.in_base)
        if fee.in_other:
            self._fund_fee(order, fill)
            postings += fee_in_other_asset(asset=fill.fee_asset, amount=fill.fee)
        budget = self._budget(order, position, effect)
        self._transfers.append(
            Transfer(
                portfolio_id=self.portfolio.pk,
                cause_kind="fill",
                cause_id=f"{order.account_id}:{fill.venue_trade_id}",
                postings=within_budget(postings, asset=quote, budget=budget),
                order_id=order.pk,
            )
        )
        return from_reserved

    def _fund_fee(self, order: Order, fill: VenueFill) -> None:
        """A fee in a third asset takes free units of a position in it. What our books lack then came from outside: the
        venue had it, or it could not have taken it.
        """
        self._write_transfers()  # the balances below count them
        short = fill.fee - self._balance(fill.fee_asset, LedgerKind.AVAILABLE)
        position = self.positions.get(f"{fill.fee_asset}/{self.portfolio.base_currency}")
        if short > 0 and position is not None:
            units = min(short, position.quantity, self._balance(fill.fee_asset, LedgerKind.POSITION))
            self._pay_with_units(position, units, order, fill)
            short -= units
        if short > 0:
            cause = f"{order.account_id}:{fill.venue_trade_id}"
            funds = deposit(asset=fill.fee_asset, amount=short)
            self._transfers.append(Transfer(self.portfolio.pk, FEE_FUNDING, cause, funds, order.pk))

    def _pay_with_units(self, position: Position, units: Decimal, order: Order, fill: VenueFill) -> None:
        if units <= 0:
            return
        after, cost = after_fee_in_units(state_of(position), units=units, at_firm=fill.executed_firm)
        asset, quote = split_symbol(position.symbol)
        legs = fee_in_held_units(asset=asset, quote=quote, units=units, cost=cost)
        cause = f"{order.account_id}:{fill.venue_trade_id}"
        self._transfers.append(Transfer(self.portfolio.pk, FEE_OF_UNITS, cause, legs, order.pk))
        set_state(position, after)
        self.paid_with.add(position.symbol)

    def _balance(self, asset: str, kind: str) -> Decimal:
        held = LedgerAccount.objects.filter(portfolio_id=self.portfolio.pk, asset=asset, kind=kind, budget=FIRM)
        return held.values_list("balance", flat=True).first() or ZERO

    def _move_position(self, position: Position, effect: FillEffect, fill: VenueFill) -> None:
        after = effect.position
        if fill.side == "buy":
            if fill.symbol not in self._stop_rules:
                self._stop_rules[fill.symbol] = stop_rule(self.rules_of(fill.symbol), until=self.moment.firm)
            standing = None if effect.opens else position.stop_price
            position.stop_price = self._stop_rules[fill.symbol].after_buy(entry=fill.price, standing=standing)
        set_state(position, after)

    def _count_result(self, effect: FillEffect, fill: VenueFill) -> None:
        if effect.closed_result is None:
            return
        self.portfolio.losses_in_row = losses_in_row_after(self.portfolio.losses_in_row, effect.closed_result)
        if effect.closed_result < 0:
            self.portfolio.last_loss_firm = fill.executed_firm
        self._results = True

    def _move_order(self, order: Order, fill: VenueFill, fee: TradeFee, from_reserved: Decimal) -> None:
        order.filled_quantity += fill.quantity
        order.filled_cost += times(fill.quantity, fill.price)
        order.fees += fee.in_quote
        order.average_price = over(order.filled_cost, order.filled_quantity)
        order.reserved_left -= from_reserved
        after = _state_after(order)
        if after == OrderState.FILLED:  # no report may follow that would name it
            order.venue_order_id = order.venue_order_id or fill.venue_order_id or None
        if order.state in TERMINAL:
            detail = f"{_words(fill)} after the order was {order.state}."
            with bind(correlation_id=order.correlation_id or None, order_id=order.pk):
                want_incident(kind="late_fill", subject=f"order:{order.pk}", detail=detail)
        elif after is not None:
            self._change_state(order, after, _words(fill))
        self._changes.append((*(getattr(order, name) for name in _CHANGED), order.pk))
        self.tidings.order(order)

    def _change_state(self, order: Order, after: OrderState, note: str) -> None:
        """The order is locked and as it stands, so this is the guarded move; an end releases what is left reserved."""
        require_move(order.state, after)
        was = order.state
        order.state, order.state_note, order.state_actor = after, note, order.account_id
        order.state_wall, order.state_firm = self.moment.wall, self.moment.firm
        if after in TERMINAL:
            left = release(side=order.side, asset=order.reserved_asset, amount=order.reserved_left, budget=order.budget)
            self._transfers.append(Transfer(self.portfolio.pk, "release", str(order.pk), left, order.pk))
            order.reserved_left, order.done_wall = ZERO, self.moment.wall
        payload = {"from": was, "to": str(after), "note": note, "filled_quantity": plain(order.filled_quantity)}
        self.tidings.entry(
            action="order.state_changed", actor=order.account_id, subject=f"order:{order.pk}", payload=payload
        )

    def _record(self, order: Order, fill: VenueFill, effect: FillEffect, late: bool) -> None:
        self.tidings.entry(
            action="order.filled_late" if late else "order.filled",
            actor=order.account_id,
            subject=f"order:{order.pk}",
            payload={
                "trade": fill.venue_trade_id,
                "side": fill.side,
                "symbol": fill.symbol,
                "quantity": plain(fill.quantity),
                "price": plain(fill.price),
                "fee": plain(fill.fee),
                "fee_asset": fill.fee_asset,
                "realized": plain(effect.realized or ZERO),
                "position": plain(effect.position.quantity),
            },
        )


def _check_room(order: Order, fill: VenueFill) -> None:
    if (order.symbol, order.side) != (fill.symbol, fill.side):
        raise OverFillError(f"the order is to {order.side} {order.symbol}.")
    left = order.quantity - order.filled_quantity
    if fill.quantity > left:
        raise OverFillError(f"of {plain(order.quantity)} ordered, {plain(left)} were left.")


def _fee_of(fill: VenueFill) -> TradeFee:
    fee = fee_of_trade(
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
    )
    if fee.units <= 0:
        raise OverFillError(f"its fee of {plain(fill.fee)} {fill.fee_asset} is more than was traded.")
    return fee


def _fill_row(order: Order, fill: VenueFill, fee: TradeFee, effect: FillEffect, moment: Moment) -> Fill:
    return Fill(
        id=derived_id("fill", order.account_id, fill.venue_trade_id),
        order_id=order.pk,
        portfolio_id=order.portfolio_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        cost=times(fill.quantity, fill.price),
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_quote=fee.in_quote,
        realized_pnl=effect.realized,
        liquidity=fill.liquidity,
        account_id=order.account_id,
        venue_trade_id=fill.venue_trade_id,
        traded_firm=fill.executed_firm,
        recorded_wall=moment.wall,
    )


def state_of(position: Position) -> PositionState:
    """What the domain knows of a position."""
    return PositionState(
        quantity=position.quantity,
        cost=position.cost,
        realized_pnl=position.realized_pnl,
        fees=position.fees,
        trip_result=position.trip_result,
        opened_firm=position.opened_firm,
        closed_firm=position.closed_firm,
    )


def set_state(position: Position, after: PositionState) -> None:
    """Bring the row to ``after``; nothing is saved. A position of nothing has no stop."""
    for name in ("quantity", "cost", "average_price", "realized_pnl", "fees", "trip_result"):
        setattr(position, name, getattr(after, name))
    position.opened_firm, position.closed_firm = after.opened_firm, after.closed_firm
    if not after.quantity:
        position.stop_price = None


def _state_after(order: Order) -> OrderState | None:
    if order.filled_quantity >= order.quantity:
        return OrderState.FILLED
    if order.state in {OrderState.PARTIALLY_FILLED, OrderState.PENDING_CANCEL}:
        return None
    return OrderState.PARTIALLY_FILLED


def _words(fill: VenueFill) -> str:
    return f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
