"""Fire the stop of a position: make its units free, reserve them, and hand the order to the executor."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.market import queries as market
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.books.ledger_postings import reservation
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.models import LedgerAccount, LedgerKind, Order, Portfolio, Position
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.execution.record_venue_report import ask_to_cancel
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.expire_orders import HERE
from apps.trading.operations.protection.arm_sale import GUARD
from apps.trading.operations.protection.cover_position import cover_position

WAY_CLEARED = "The protective stop needs these units."


@transaction.atomic
def fire_protective_stop(*, order_id: UUID, reason: str, moment: Moment) -> bool:
    """Reserve what the stop may sell and release it to the executor; False while other sales hold all units.

    The other orders of its group, and where units are missing all other sales of the instrument, are taken back, or
    asked back from the venue. A take-profit that still works there keeps its units till it is proven dead: both never
    sell. Whatever is free is sold at once; for the rest a new stop is armed, whose trigger the guard finds hit again in
    its next cycle. Selling what is held only lowers risk, so this passes in every trading state; the verdict is kept on
    the order.
    """
    known = Order.objects.filter(pk=order_id, state=OrderState.ARMED, is_protective=True, reserved_left=0).first()
    if known is None:
        return False
    Portfolio.objects.select_for_update().get(pk=known.portfolio_id)
    here = Q(portfolio_id=known.portfolio_id, symbol=known.symbol, state__in=OPEN)
    mine = here & (Q(side="sell") | Q(group_id=known.group_id, group__isnull=False))
    sales = list(Order.objects.select_for_update().filter(mine).order_by("pk"))
    position = Position.objects.select_for_update().get(portfolio_id=known.portfolio_id, symbol=known.symbol)
    stop = next((order for order in sales if order.pk == order_id and not order.reserved_left), None)
    if stop is None or stop.state != OrderState.ARMED:
        return False
    siblings = [order for order in sales if order.group_id and order.group_id == stop.group_id and order != stop]
    for order in siblings:
        if not order.is_protective:
            _clear_the_way(order, moment)
    if _free_units(stop) < stop.quantity:
        for order in sales:
            if not order.is_protective and order not in siblings:
                _clear_the_way(order, moment)
    free = min(stop.quantity - _still_selling(siblings), _free_units(stop))
    quantity = floor_to(free, market.instrument_rules(stop.symbol).step_size)  # fees in units leave odd amounts
    if quantity <= 0:
        Order.objects.filter(pk=stop.pk, triggered_firm__isnull=True).update(triggered_firm=moment.firm)
        return False
    _release_to_executor(stop, quantity, reason, moment)
    cover_position(position=position, moment=moment)
    return True


def _still_selling(siblings: list[Order]) -> Decimal:
    """What the venue may still sell for a group although it was asked to stop."""
    working = [order for order in siblings if order.side == "sell" and order.state not in HERE]
    return sum((order.quantity - order.filled_quantity for order in working if not order.is_protective), ZERO)


def _clear_the_way(order: Order, moment: Moment) -> None:
    if order.state in HERE:
        change_order_state(
            order_id=order.pk, before=HERE, after=OrderState.CANCELED, actor=GUARD, note=WAY_CLEARED, moment=moment
        )
    elif not ask_to_cancel(order_id=order.pk, note=WAY_CLEARED, moment=moment):
        Order.objects.filter(pk=order.pk).update(cancel_wanted=True)


def _free_units(stop: Order) -> Decimal:
    base, _ = split_symbol(stop.symbol)
    held = LedgerAccount.objects.filter(portfolio_id=stop.portfolio_id, asset=base, kind=LedgerKind.POSITION)
    return held.values_list("balance", flat=True).first() or ZERO


def _release_to_executor(stop: Order, quantity: Decimal, reason: str, moment: Moment) -> None:
    base, _ = split_symbol(stop.symbol)
    post_transfer(
        portfolio_id=stop.portfolio_id,
        cause_kind="reserve",
        cause_id=str(stop.pk),
        postings=reservation(side="sell", asset=base, amount=quantity),
        moment=moment,
        order_id=stop.pk,
    )
    verdict = {
        "rule": "protective_stop",
        "allowed": True,
        "code": "reduce_only",
        "detail": f"Fired: {reason}",
        "inputs": {"quantity": plain(quantity), "stop_price": plain(stop.stop_price), "firm": moment.firm.isoformat()},
    }
    Order.objects.filter(pk=stop.pk).update(
        quantity=quantity,
        triggered_firm=moment.firm,
        reserved_asset=base,
        reserved_amount=quantity,
        reserved_left=quantity,
        verdicts=[*stop.verdicts, verdict],
    )
    announce_order(order_id=stop.pk, portfolio_id=stop.portfolio_id)
    audit.append(
        chain=audit.account_chain(stop.portfolio_id),
        action="stop.fired",
        actor=GUARD,
        subject=f"order:{stop.pk}",
        payload={"symbol": stop.symbol, "quantity": plain(quantity), "reason": reason},
        moment=moment,
    )
    after_commit.enqueue("workers.execution.submit_order", queue="execution", expires=60, order_id=str(stop.pk))
