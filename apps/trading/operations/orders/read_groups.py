"""The order groups of an instrument as the rules of ``domain/orders/order_groups.py`` see them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO
from apps.trading.domain.orders.order_groups import STOP_LOSS, TAKE_PROFIT, Group, Member
from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.domain.stops.stop_coverage import GroupStop
from apps.trading.models import Order, OrderGroup

REFUSALS = 3  # of a group's stops by the venue, such as dust below its minimum, before the guard's own takes over


@dataclass(frozen=True, slots=True)
class ReadGroup:
    """A group that still lives, with all of its orders, oldest first."""

    row: OrderGroup
    orders: tuple[Order, ...]

    @property
    def facts(self) -> Group:
        return Group(self.row.kind, self.row.units, [_member(order) for order in self.orders])

    @property
    def stops(self) -> bool:
        """Whether it has a stop-loss to cover a position with."""
        return self.row.stop_loss_price is not None

    @property
    def stop(self) -> GroupStop:
        """Its part in covering the position: none beyond what is being sold once its stop-loss was taken away."""
        sending = self.sending(STOP_LOSS)
        covers = bool(self.waiting(STOP_LOSS)) or self.may_arm(STOP_LOSS)
        return GroupStop(self.row.pk, max(sending, self.facts.left if covers else ZERO), sending)

    @property
    def expires_firm(self) -> datetime | None:
        """When its exits end: with the exits of an OCO; a bracket's outlive the entry's date."""
        return self.orders[0].expires_firm if self.row.units is not None else None

    def of(self, role: str) -> list[Order]:
        return [order for order in self.orders if order.role == role]

    def waiting(self, role: str) -> list[Order]:
        """Armed and holding nothing: its size may change."""
        return [order for order in self.of(role) if order.state == OrderState.ARMED and not order.reserved_left]

    def sending(self, role: str) -> Decimal:
        """What fired orders of this role are selling."""
        waiting = self.waiting(role)
        alive = [order for order in self.of(role) if order.state in OPEN and order not in waiting]
        return sum((order.quantity - order.filled_quantity for order in alive), ZERO)

    def may_arm(self, role: str) -> bool:
        """A first exit, or another stop for what a fired one could not sell; never one that was taken away."""
        if self.price(role) is None:
            return False
        return not self.of(role) or (role == STOP_LOSS and (self.sending(role) > 0 or self._ended_undone()))

    def _ended_undone(self) -> bool:
        """Whether the newest stop fired, reached the venue and ended there unfilled; a venue may refuse a few times."""
        stops = self.of(STOP_LOSS)
        newest = stops[-1]
        refused = sum(order.state == OrderState.REJECTED for order in stops)
        fired = newest.triggered_firm is not None and newest.submitted_wall is not None
        return fired and newest.state in TERMINAL and newest.filled_quantity < newest.quantity and refused < REFUSALS

    def price(self, role: str) -> Decimal | None:
        return {STOP_LOSS: self.row.stop_loss_price, TAKE_PROFIT: self.row.take_profit_price}[role]


def groups_of(*, portfolio_id: UUID, symbol: str, also: Iterable[UUID] = ()) -> list[ReadGroup]:
    """The groups of an instrument with a living order, and ``also`` those, oldest first.

    The caller holds the portfolio's lock.
    """
    alive = Order.objects.filter(portfolio_id=portfolio_id, symbol=symbol, state__in=OPEN, group__isnull=False)
    ids = set(alive.values_list("group_id", flat=True).order_by())
    ids.update(also)
    if not ids:
        return []
    members: dict[UUID, list[Order]] = defaultdict(list)
    for order in Order.objects.filter(group_id__in=ids).order_by("proposed_wall", "pk"):
        assert order.group_id is not None
        members[order.group_id].append(order)
    rows = OrderGroup.objects.filter(pk__in=ids).order_by("created_wall", "pk")
    return [ReadGroup(row, tuple(members[row.pk])) for row in rows]


def _member(order: Order) -> Member:
    return Member(
        order_id=order.pk,
        role=order.role,
        state=OrderState(order.state),
        quantity=order.quantity,
        filled=order.filled_quantity,
        released=order.state != OrderState.ARMED or order.reserved_left > 0,
    )
