"""The loop that carries an emergency stop through. It lives in the worker itself, so that it needs no Redis."""

from apps.foundation import lease
from apps.foundation.loops import Loop
from apps.management import operations as management
from apps.management.wiring import runtime
from apps.market.queries import current_moment

IDLE_SECONDS = 2.0


def follow_stop() -> bool:
    """One look. Whether it is for this house to act it finds out itself: a stop does not wait for a leader."""
    return management.follow_stop(runtime=runtime(), house=lease.this_house(), moment=current_moment())


LOOPS = (
    Loop(
        name="emergency_stop",
        step=follow_stop,
        idle_seconds=IDLE_SECONDS,
        wake=management.STOP_CHANNEL,
        led=False,
    ),
)
