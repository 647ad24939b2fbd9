"""Ask a venue how it is, so that its health and its clock are known also while nothing is traded there."""

from datetime import timedelta

import structlog

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.domain.risk.venue_ladder import Rung
from apps.trading.models import VenueHealth
from apps.trading.ports import Venue, VenueRefused

log = structlog.get_logger(__name__)
WHEN_WELL, WHEN_NOT = timedelta(seconds=60), timedelta(seconds=5)
IN_HOUSE = "paper"


def check_venue(*, venue: Venue, moment: Moment) -> bool:
    """Ask for a control answer and the clock, when either is due; True when it answered both.

    The venue is a watched one: what it answers, or fails to, is recorded by that. One that stands below normal is asked
    more often, since only good answers lead it up again. The paper exchange has no network to fail.
    """
    if venue.name == IN_HOUSE or not _due(venue.account, moment):
        return False
    try:
        venue.healthy()
        venue.clock_offset()
    except (RetryableFailure, VenueRefused) as failure:
        log.info("venue_not_well", account=venue.account, code=failure.code, reason=failure.message)
        return False
    return True


def _due(account: str, moment: Moment) -> bool:
    row = VenueHealth.objects.filter(pk=account).first()
    if row is None or row.clock_wall is None:
        return True
    heard = [at for at in (row.clock_wall, row.last_failure_wall) if at is not None]
    return moment.wall - max(heard) >= (WHEN_WELL if row.rung == Rung.NORMAL else WHEN_NOT)
