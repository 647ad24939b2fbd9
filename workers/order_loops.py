"""The execution worker's loops. They live in the worker, not in the broker: orders move on while Redis is away.

The clocks are read for each account anew: what is sent lives from then on, and the account before may have taken long.
"""

from typing import cast

from django.conf import settings

from apps.foundation import lease_memory
from apps.foundation.loops import Loop, each_of
from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading.ports import StreamingVenue, Venue
from apps.trading.wiring import paper_venues, steered_exchange, venues


def sweep_orders() -> bool:
    """Move on what a lost message left behind, on every account; one that fails stops no other."""
    term = lease_memory.term()
    if term is None:
        return False

    def sweep(venue: Venue) -> bool:
        return trading.sweep_orders(venue=venue, term=term, moment=market.current_moment()) > 0

    return each_of(venues(), sweep)


def match_paper_orders() -> bool:
    """Show the paper exchange and the simulator the newest bar or quotes; True while there are fills."""
    moment, steered = market.current_moment(), steered_exchange()
    beside = list(_outside().values()) if steered else []
    taken = trading.match_paper_orders(venues=paper_venues(), moment=moment, steered=steered, beside=beside)
    return taken > 0


def listen_to_venues() -> bool:
    """Take in what the streams of all accounts told; True while they tell."""
    streaming = {name: cast("StreamingVenue", venue) for name, venue in venues().items() if hasattr(venue, "take_news")}
    return each_of(streaming, lambda venue: trading.take_venue_news(venue=venue, moment=market.current_moment()) > 0)


def poll_open_orders() -> bool:
    """Ask the venues for the orders at work there, whatever their streams told."""

    def poll(venue: Venue) -> bool:
        return trading.poll_open_orders_in_turn(venue=venue, moment=market.current_moment()) > 0

    each_of(_outside(), poll)
    return False


def poll_fills() -> bool:
    """Ask the venues for their latest trades: late ones and those that no order at work points to."""

    def collect(venue: Venue) -> bool:
        return trading.collect_fills_in_turn(venue=venue, moment=market.current_moment()) > 0

    each_of(_outside(), collect)
    return False


def _outside() -> dict[str, Venue]:
    return {name: venue for name, venue in venues().items() if venue.name != "paper"}


LOOPS = (
    Loop(name="order_sweep", step=sweep_orders, idle_seconds=1.0),
    Loop(name="venue_stream", step=listen_to_venues, idle_seconds=0.2),
    Loop(name="open_order_poll", step=poll_open_orders, idle_seconds=3.0),
    Loop(name="fill_poll", step=poll_fills, idle_seconds=10.0),
    Loop(
        name="paper_matching",
        step=match_paper_orders,
        idle_seconds=1.0,
        wake="hq_quotes" if settings.MARKET == "live" else "hq_bar",
    ),
)
