"""Orders that belong together: what each fill and each end of one means for the others. Pure.

A group has exits for the same units: a take-profit and a stop-loss. A bracket buys these units first. The rules look
at the members as they stand, not at what happened, so that they may run any number of times after any crash:
1. what the exits may still sell is what came in less what they sold: a partial fill of one lessens the other;
2. a take-profit that works at the venue leaves the stop-loss waiting; a stop-loss that fires ends the take-profit;
3. an exit that fired or ended takes the rest of the entry back;
4. once nothing is left to sell and nothing more can come in, the exits end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState

ENTRY, TAKE_PROFIT, STOP_LOSS = "entry", "take_profit", "stop_loss"
ROLES = (ENTRY, TAKE_PROFIT, STOP_LOSS)
OCO, BRACKET = "oco", "bracket"

SIBLING_FILLED = "Its group has sold all it was meant to sell."
EXIT_FIRED = "An exit of its group has fired; nothing more is bought."


@dataclass(frozen=True, slots=True)
class Member:
    """One order of a group. ``released``: its trigger was hit, or it never had one."""

    order_id: UUID
    role: str
    state: OrderState
    quantity: Decimal
    filled: Decimal
    released: bool

    @property
    def alive(self) -> bool:
        return self.state in OPEN

    @property
    def waiting(self) -> bool:
        """Still ours alone: its size may change."""
        return self.state == OrderState.ARMED and not self.released

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True)
class Group:
    """``units``: what an OCO may sell; None for a bracket, which sells what its entry bought."""

    kind: str
    units: Decimal | None
    members: Sequence[Member]

    def of(self, role: str) -> list[Member]:
        return [member for member in self.members if member.role == role]

    @property
    def exits(self) -> list[Member]:
        return [member for member in self.members if member.role != ENTRY]

    @property
    def came_in(self) -> Decimal:
        if self.units is not None:
            return self.units
        return sum((member.filled for member in self.of(ENTRY)), ZERO)

    @property
    def left(self) -> Decimal:
        """What the exits may still sell."""
        return max(ZERO, self.came_in - sum((member.filled for member in self.exits), ZERO))

    @property
    def may_grow(self) -> bool:
        """Whether the entry may still buy."""
        return any(member.alive for member in self.of(ENTRY))

    @property
    def over(self) -> bool:
        return not any(member.alive for member in self.members)


@dataclass(frozen=True, slots=True)
class End:
    """Take this order back: at once where it is ours, by a wish where the venue holds it."""

    order_id: UUID
    note: str


def ends(group: Group) -> list[End]:
    """The members that have no reason to live any more, entry first."""
    exits = group.exits
    wanted: list[End] = []
    fired = any(member.released for member in exits)
    spent = bool(exits) and not any(member.alive for member in exits)
    if group.kind == BRACKET and (fired or spent):
        wanted += [End(member.order_id, EXIT_FIRED) for member in group.of(ENTRY) if member.alive]
    if not group.left and not group.may_grow:
        wanted += [End(member.order_id, SIBLING_FILLED) for member in exits if member.alive]
    return wanted
