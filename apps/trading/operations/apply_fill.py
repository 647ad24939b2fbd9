"""One venue trade into the books: fill, order, ledger, position, result and protective stop in one transaction."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.correlation import bind
from apps.foundation.identifiers import derived_id
from apps.foundation.money import ZERO, plain
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.decimal_math import over, times
from apps.trading.domain.ledger_postings import (
    FIRM,
    bought,
    deposit,
    fee_in_other_asset,
    fee_in_units,
    sold,
    within_budget,
)
from apps.trading.domain.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.domain.positions import FillEffect, PositionState, after_fill
from apps.trading.domain.trade_fees import TradeFee, fee_of_trade
from apps.trading.models import Fill, LedgerAccount, LedgerKind, Order, Portfolio, Position
from apps.trading.operations.announce_changes import announce_order
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.operations.cover_position import cover_position, holds_dust, protective_orders, stop_price_after_buy
from apps.trading.operations.post_transfer import post_transfer
from apps.trading.operations.settle_groups import settle_groups
from apps.trading.operations.want_incident import want_incident
from apps.trading.ports import VenueFill
from apps.trading.queries.position_budget import position_budget


class FillWithoutOrderError(AssertionError):
    """The venue reports a trade of an order that was never sent from here, or not yet."""


class OverFillError(AssertionError):
    """The venue reports more trades of an order than its quantity, or another side or instrument than it has."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows a fill changes, all locked."""

    portfolio: Portfolio
    order: Order
    position: Position


def apply_fill(*, fill: VenueFill, account: str, moment: Moment) -> bool:
    """Post one trade; False when it was posted before. Redelivered and shuffled fills end in the same books.

    A fill on an order that had ended is posted too: it raises the filled quantity, keeps the state and asks for an
    incident. Raises ``FillWithoutOrderError`` for a trade of an order that this house never sent, ``OverFillError`` and
    ``FillExceedsPositionError``; then nothing is posted.
    """
    order_id, portfolio_id = _find_order(fill, account)
    with transaction.atomic():
        rows = _lock(order_id, portfolio_id, fill)
        if Fill.objects.filter(account_id=account, venue_trade_id=fill.venue_trade_id).exists():
            return False
        _check_room(rows.order, fill)
        with bind(correlation_id=rows.order.correlation_id or None, order_id=order_id):
            _post(rows, fill, moment)
    return True


def _find_order(fill: VenueFill, account: str) -> tuple[UUID, UUID]:
    """The ids of order and portfolio, by our id or, where the venue names only its own, by that."""
    if fill.client_order_id:
        named = Q(client_order_id=fill.client_order_id)
    else:
        named = Q(symbol=fill.symbol, venue_order_id=fill.venue_order_id or None)
    known = Order.objects.filter(named, account_id=account).values_list("pk", "portfolio_id").first()
    if known is None:
        whose = fill.client_order_id or fill.venue_order_id
        raise FillWithoutOrderError(f"{account} reports {fill.venue_trade_id} of the unknown order {whose}.")
    return known


def _check_room(order: Order, fill: VenueFill) -> None:
    if (order.symbol, order.side) != (fill.symbol, fill.side):
        raise OverFillError(f"the order is to {order.side} {order.symbol}.")
    left = order.quantity - order.filled_quantity
    if fill.quantity > left:
        raise OverFillError(f"of {plain(order.quantity)} ordered, {plain(left)} were left.")


def _lock(order_id: UUID, portfolio_id: UUID, fill: VenueFill) -> _Rows:
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio_id)
    protective = protective_orders(portfolio_id=portfolio_id, symbol=fill.symbol)
    orders = Order.objects.select_for_update().filter(Q(pk=order_id) | protective).order_by("pk")
    order = next(row for row in orders if row.pk == order_id)
    if order.submitted_wall is None:
        raise FillWithoutOrderError(
            f"Order {order_id} is {order.state} and was never sent, yet {fill.venue_trade_id} fills it."
        )
    Position.objects.bulk_create(
        [Position(id=derived_id("position", portfolio_id, fill.symbol), portfolio_id=portfolio_id, symbol=fill.symbol)],
        ignore_conflicts=True,
    )
    position = Position.objects.select_for_update().get(portfolio_id=portfolio_id, symbol=fill.symbol)
    return _Rows(portfolio, order, position)


def _post(rows: _Rows, fill: VenueFill, moment: Moment) -> None:
    order, position = rows.order, rows.position
    fee = _fee_of(fill)
    effect = after_fill(
        _state_of(position),
        side=fill.side,
        quantity=fee.units,
        price=fill.price,
        fee=fee.in_quote,
        at_firm=fill.executed_firm,
    )
    from_reserved = _post_to_ledger(order, fill, fee, effect, moment)
    Fill.objects.create(
        id=derived_id("fill", order.account_id, fill.venue_trade_id),
        order=order,
        portfolio=rows.portfolio,
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
    _move_position(position, effect, fill, moment)
    _count_result(rows.portfolio, effect, fill)
    _move_order(order, fill, fee, from_reserved, moment)
    if order.group_id is not None:
        settle_groups(portfolio_id=order.portfolio_id, symbol=fill.symbol, moment=moment)
    cover_position(position=position, moment=moment, watched_from=fill.executed_firm, group_id=order.group_id)
    _tell_dust(order, position)
    _record(order, fill, effect, moment)


def _tell_dust(order: Order, position: Position) -> None:
    """Once, by the trade that leaves it behind: a rest that no venue takes stays until more is bought."""
    at_work = Order.objects.filter(portfolio_id=order.portfolio_id, symbol=order.symbol, state__in=OPEN).exists()
    if position.quantity and not at_work and holds_dust(position):
        detail = f"{plain(position.quantity)} {position.symbol} are left, too little to be sold; no stop covers them."
        want_incident(kind="position_dust", subject=f"position:{position.symbol}", detail=detail)


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


def _budget(order: Order) -> str:
    """What pays a buy, and what a sale pays back to: the budget that the position was bought with."""
    if order.side == "buy":
        return order.budget
    return position_budget(portfolio_id=order.portfolio_id, symbol=order.symbol) or FIRM


def _post_to_ledger(order: Order, fill: VenueFill, fee: TradeFee, effect: FillEffect, moment: Moment) -> Decimal:
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
        _fund_fee(order, fill, moment)
        postings += fee_in_other_asset(asset=fill.fee_asset, amount=fill.fee)
    post_transfer(
        portfolio_id=order.portfolio_id,
        cause_kind="fill",
        cause_id=f"{order.account_id}:{fill.venue_trade_id}",
        postings=within_budget(postings, asset=quote, budget=_budget(order)),
        moment=moment,
        order_id=order.pk,
    )
    return from_reserved


def _fund_fee(order: Order, fill: VenueFill, moment: Moment) -> None:
    """What our books lack of the fee's asset came from outside: the venue had it, or it could not have taken it."""
    held = LedgerAccount.objects.filter(
        portfolio_id=order.portfolio_id, asset=fill.fee_asset, kind=LedgerKind.AVAILABLE, budget=FIRM
    )
    short = fill.fee - (held.values_list("balance", flat=True).first() or ZERO)
    if short > 0:
        post_transfer(
            portfolio_id=order.portfolio_id,
            cause_kind="fee_funding",
            cause_id=f"{order.account_id}:{fill.venue_trade_id}",
            postings=deposit(asset=fill.fee_asset, amount=short),
            moment=moment,
            order_id=order.pk,
        )


def _state_of(position: Position) -> PositionState:
    return PositionState(
        quantity=position.quantity,
        cost=position.cost,
        realized_pnl=position.realized_pnl,
        fees=position.fees,
        trip_result=position.trip_result,
        opened_firm=position.opened_firm,
        closed_firm=position.closed_firm,
    )


def _move_position(position: Position, effect: FillEffect, fill: VenueFill, moment: Moment) -> None:
    after = effect.position
    if fill.side == "buy":
        standing = position.stop_price if position.quantity else None
        position.stop_price = stop_price_after_buy(
            symbol=fill.symbol, entry=fill.price, standing=standing, until=moment.firm
        )
    elif not after.quantity:
        position.stop_price = None
    position.quantity = after.quantity
    position.cost = after.cost
    position.average_price = after.average_price
    position.realized_pnl = after.realized_pnl
    position.fees = after.fees
    position.trip_result = after.trip_result
    position.opened_firm = after.opened_firm
    position.closed_firm = after.closed_firm
    position.save()


def _count_result(portfolio: Portfolio, effect: FillEffect, fill: VenueFill) -> None:
    if effect.closed_result is None:
        return
    if effect.closed_result < 0:
        portfolio.losses_in_row += 1
        portfolio.last_loss_firm = fill.executed_firm
    else:
        portfolio.losses_in_row = 0
    portfolio.save(update_fields=["losses_in_row", "last_loss_firm"])


def _move_order(order: Order, fill: VenueFill, fee: TradeFee, from_reserved: Decimal, moment: Moment) -> None:
    filled = order.filled_quantity + fill.quantity
    cost = order.filled_cost + times(fill.quantity, fill.price)
    changes: dict[str, Any] = {
        "filled_quantity": filled,
        "filled_cost": cost,
        "fees": order.fees + fee.in_quote,
        "average_price": over(cost, filled),
        "reserved_left": order.reserved_left - from_reserved,
    }
    Order.objects.filter(pk=order.pk).update(**changes)
    after = _state_after(order, filled)
    if order.state in TERMINAL:
        detail = f"{_words(fill)} after the order was {order.state}."
        want_incident(kind="late_fill", subject=f"order:{order.pk}", detail=detail)
    if order.state in TERMINAL or after is None:
        announce_order(order_id=order.pk, portfolio_id=order.portfolio_id)
    else:
        change_order_state(
            order_id=order.pk,
            before={OrderState(order.state)},
            after=after,
            actor=order.account_id,
            note=_words(fill),
            moment=moment,
        )


def _state_after(order: Order, filled: Decimal) -> OrderState | None:
    if filled >= order.quantity:
        return OrderState.FILLED
    if order.state in {OrderState.PARTIALLY_FILLED, OrderState.PENDING_CANCEL}:
        return None
    return OrderState.PARTIALLY_FILLED


def _words(fill: VenueFill) -> str:
    return f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"


def _record(order: Order, fill: VenueFill, effect: FillEffect, moment: Moment) -> None:
    audit.append(
        chain=audit.account_chain(order.portfolio_id),
        action="order.filled" if order.state not in TERMINAL else "order.filled_late",
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
        moment=moment,
    )
