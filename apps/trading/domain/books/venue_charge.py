"""What a venue takes from an account apart from trades, such as the regulatory fees a stock broker books each day."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VenueCharge:
    """``amount`` above zero was taken from the account, below zero was given back. ``charge_id``: the venue's own."""

    charge_id: str
    amount: Decimal
    asset: str
    description: str
    at: datetime
