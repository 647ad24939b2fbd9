"""Move an armed exit of a group: a new row at the new price takes the place of the old one in the same transaction."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.money import floor_to, plain
from apps.market import queries as market
from apps.trading.domain.orders.order_groups import STOP_LOSS
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order, OrderGroup, Position
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.protection.arm_sale import arm_sale
from apps.trading.operations.protection.cover_position import exit_sale, record_sale


def amend_exit(*, order: Order, changes: Mapping[str, Any], actor: str, moment: Moment) -> UUID:
    """The id of the new exit. Its quantity follows what is held, so only ``stop_price``, its trigger, can change.

    The caller holds the portfolio's lock. Raises ``Refused`` naming the field.
    """
    other = next((name for name in changes if name != "stop_price"), None)
    if other is not None or changes.get("stop_price") is None:
        raise Refused(
            "Of an armed exit only stop_price, its trigger, can be amended: its quantity follows what is held.",
            code="not_amendable",
            field=other or "stop_price",
        )
    wanted: Decimal = changes["stop_price"]
    group = _group_of(order)
    _check_trigger(order, group, wanted, moment)
    change_order_state(
        order_id=order.pk,
        before={OrderState.ARMED},
        after=OrderState.CANCELED,
        actor=actor,
        note=f"Moved to {plain(wanted)}.",
        moment=moment,
    )
    field = "stop_loss_price" if order.role == STOP_LOSS else "take_profit_price"
    setattr(group, field, wanted)
    group.save(update_fields=[field])
    position = Position.objects.select_for_update().get(portfolio_id=order.portfolio_id, symbol=order.symbol)
    sale = exit_sale(
        group, order.role, order.quantity, watched_from=moment.firm, expires_firm=order.expires_firm, replaces=order.pk
    )
    new_id = arm_sale(position=position, sale=sale, moment=moment)
    record_sale(new_id, position, "exit.moved", sale, moment)
    return new_id


def move_take_profit(*, order: Order, changes: Mapping[str, Any]) -> None:
    """Note the new price of a working take-profit in its group. Raises ``Refused`` for any other change."""
    other = next((name for name in changes if name != "limit_price"), None)
    if other is not None:
        raise Refused(
            "Of a working take-profit only limit_price can be amended: its quantity belongs to its group.",
            code="not_amendable",
            field=other,
        )
    group = _group_of(order)
    wanted, floor = changes.get("limit_price"), group.stop_loss_price
    if wanted is not None and floor is not None and wanted <= floor:
        raise Refused(
            f"limit_price must lie above the group's stop-loss {plain(floor)}, was {plain(wanted)}.",
            code="exits_crossed",
            field="limit_price",
        )
    if wanted is not None:
        group.take_profit_price = wanted
        group.save(update_fields=["take_profit_price"])


def _group_of(order: Order) -> OrderGroup:
    return OrderGroup.objects.select_for_update().get(orders=order)


def _check_trigger(order: Order, group: OrderGroup, wanted: Decimal, moment: Moment) -> None:
    tick, mark = market.instrument_rules(order.symbol).tick_size, market.mark(order.symbol, moment).price
    if wanted <= 0 or floor_to(wanted, tick) != wanted:
        detail = f"stop_price must be a positive multiple of {plain(tick)}, was {plain(wanted)}."
        raise Refused(detail, code="off_tick", field="stop_price")
    if wanted == order.stop_price:
        raise Refused("Nothing would change; stop_price is that already.", code="nothing_changed", field="stop_price")
    below = order.role == STOP_LOSS
    if mark is not None and (wanted >= mark if below else wanted <= mark):
        raise Refused(
            f"stop_price of a {order.role.replace('_', '-')} must lie {'below' if below else 'above'} the mark "
            f"{plain(mark)}, was {plain(wanted)}: it would sell at once. Close the position instead.",
            code="stop_on_wrong_side",
            field="stop_price",
        )
    sibling = group.take_profit_price if below else group.stop_loss_price
    if sibling is not None and (wanted >= sibling if below else wanted <= sibling):
        raise Refused(
            f"stop_price must lie {'below' if below else 'above'} the group's other exit {plain(sibling)}, was "
            f"{plain(wanted)}.",
            code="exits_crossed",
            field="stop_price",
        )
