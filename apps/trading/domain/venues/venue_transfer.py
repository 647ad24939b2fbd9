"""Money or units that a venue says came into an account from outside, or left it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VenueTransfer:
    """``amount`` above zero came in, below zero went out, the venue's own fee for it included.

    ``transfer_id``: the venue's own, unique in the account with the asset and the direction.
    """

    transfer_id: str
    asset: str
    amount: Decimal
    at: datetime

    @property
    def incoming(self) -> bool:
        """Whether it came in."""
        return self.amount > 0


def explaining(transfers: Iterable[VenueTransfer], *, gap: Decimal) -> list[VenueTransfer]:
    """Those that together bring ``gap`` (what the venue has less what the books say) nearer to zero, oldest first.

    One that would make it wider is in the books already, under another name: a person's word, or the opening capital.
    """
    taken: list[VenueTransfer] = []
    for transfer in sorted(transfers, key=lambda each: (each.at, each.transfer_id)):
        if abs(gap - transfer.amount) < abs(gap):
            taken.append(transfer)
            gap -= transfer.amount
    return taken
