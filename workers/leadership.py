"""The loop that keeps the lease of this house, or waits for it. It lives in the processes that send orders."""

from django.conf import settings

from apps.foundation import lease
from apps.foundation.lease_memory import memory, steady
from apps.foundation.loops import Loop
from apps.management import operations as management
from apps.market.queries import current_moment
from apps.trading.wiring import request_lives

IDLE_SECONDS = 1.0


class LeadershipKeeper:
    """What one process remembers between looks."""

    def __init__(self) -> None:
        self._renewed_at = float("-inf")
        self._settled = False

    def step(self) -> bool:
        """Renew every few seconds, look every second while something is pending or another house leads."""
        now = steady()
        if memory.leads() and self._settled and now - self._renewed_at < lease.RENEW_EVERY.total_seconds():
            return False
        self._renewed_at = now
        self._settled = management.keep_leadership(
            house=lease.this_house(),
            role=settings.HQ_ROLE,
            lives=request_lives(),
            memory=memory,
            alone=settings.HQ_WORKERS == 1,
            moment=current_moment(),
        )
        return False


_keeper = LeadershipKeeper()
LOOPS = (Loop(name="leadership", step=_keeper.step, idle_seconds=IDLE_SECONDS, first=_keeper.step, led=False),)
