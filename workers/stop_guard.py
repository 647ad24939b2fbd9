"""The stop guard: a process of its own, which knows nothing of agents and screens."""

from django.conf import settings

from apps.foundation.loops import Loop
from apps.market import queries as market
from apps.trading import operations as trading

IDLE_SECONDS = 1.0


def watch() -> bool:
    """One look over the positions. There is never more to do at once: the next bar, or prices, wake it."""
    trading.guard_cycle(moment=market.current_moment())
    return False


LOOPS = (
    Loop(
        name="stop_guard",
        step=watch,
        idle_seconds=IDLE_SECONDS,
        wake="hq_quotes" if settings.MARKET == "live" else "hq_cursor_paper",
    ),
)
