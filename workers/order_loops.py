"""The execution worker's loops. They live in the worker, not in the broker: orders move on while Redis is away."""

from django.conf import settings

from apps.foundation.loops import Loop, each_of
from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading.wiring import paper_venues, venues


def sweep_orders() -> bool:
    """Move on what a lost message left behind, on every account; one that fails stops no other."""
    moment = market.current_moment()
    return each_of(venues(), lambda venue: trading.sweep_orders(venue=venue, moment=moment) > 0)


def match_paper_orders() -> bool:
    """Show the paper exchange the newest bar or quotes; True while there are fills."""
    return trading.match_paper_orders(venues=paper_venues(), moment=market.current_moment()) > 0


LOOPS = (
    Loop(name="order_sweep", step=sweep_orders, idle_seconds=1.0),
    Loop(
        name="paper_matching",
        step=match_paper_orders,
        idle_seconds=1.0,
        wake="hq_quotes" if settings.MARKET == "live" else "hq_bar",
    ),
)
