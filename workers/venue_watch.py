"""The loop that asks every venue how it is. It lives in the execution worker: only there the keys are open."""

from apps.foundation.loops import Loop, each_of
from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading.wiring import venues


def watch_venues() -> bool:
    """Ask the venues that are due; one that fails stops no other."""
    each_of(venues(), lambda venue: trading.check_venue(venue=venue, moment=market.current_moment()))
    return False


LOOPS = (Loop(name="venue_watch", step=watch_venues, idle_seconds=5.0),)
