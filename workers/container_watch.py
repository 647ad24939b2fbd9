"""The loop that hears at once from the engine that a container ended, and has the fleet brought in order."""

from apps.foundation.loops import Loop
from apps.management import operations as management
from apps.management.wiring import end_watch, runtime
from apps.market.queries import current_moment

LISTEN_SECONDS = 5.0


def watch_containers() -> bool:
    """Listen for a while; when one ended, converge. Beat converges every 30 s all the same."""
    ended = end_watch().wait_for_end(seconds=LISTEN_SECONDS)
    if ended:
        management.converge_fleet(runtime=runtime(), moment=current_moment())
    return ended


LOOPS = (Loop(name="container_watch", step=watch_containers, idle_seconds=0.05),)
