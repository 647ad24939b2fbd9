"""Which stop covers which part of a position: the groups' own stop-losses, the guard's stop for the rest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO


@dataclass(frozen=True, slots=True)
class GroupStop:
    """What a group's stop-loss should cover (``left``), and how much of that is being sold already (``sending``)."""

    group_id: UUID
    left: Decimal
    sending: Decimal


def shares_of_groups(held: Decimal, groups: Sequence[GroupStop]) -> dict[UUID, Decimal]:
    """How much each group may still sell, ``sending`` included: the oldest first, together never above ``held``.

    What is being sold stays counted; a person who sells by hand takes from the newest group first.
    """
    free = max(ZERO, held - sum((group.sending for group in groups), ZERO))
    shares: dict[UUID, Decimal] = {}
    for group in groups:
        waiting = min(free, max(ZERO, group.left - group.sending))
        free -= waiting
        shares[group.group_id] = group.sending + waiting
    return shares


def guards_share(held: Decimal, shares: dict[UUID, Decimal], sending: Decimal) -> Decimal:
    """What the guard's own stop must still cover. ``sending``: what its fired stops are selling."""
    return max(ZERO, held - sending - sum(shares.values(), ZERO))
