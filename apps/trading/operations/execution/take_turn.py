"""One executor at a time asks a venue for what all of them would ask for: any one's answer is everybody's."""

from datetime import timedelta
from typing import Literal

from django.db.models import Q

from apps.foundation.clock import Moment
from apps.trading.models import VenueWatermark

Turn = Literal["polled_wall", "collected_wall"]


def take_turn(*, account: str, turn: Turn, every: timedelta, moment: Moment) -> bool:
    """Whether this process is the one to ask now; another has, less than ``every`` ago, when it is not.

    One that dies in its turn is followed by another after that time. A clock that was set back ends every turn.
    """
    VenueWatermark.objects.get_or_create(account_id=account)
    at = moment.wall
    due = Q(**{f"{turn}__isnull": True}) | Q(**{f"{turn}__lte": at - every}) | Q(**{f"{turn}__gt": at + every})
    return VenueWatermark.objects.filter(due, account_id=account).update(**{turn: at}) == 1
