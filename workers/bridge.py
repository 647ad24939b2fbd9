"""The loop that speaks with other instances. It lives in the executor: only there the key that signs is open."""

from django.conf import settings

from apps.foundation import lease
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.foundation.lease_memory import steady
from apps.foundation.loops import Loop
from apps.foundation.signing_key import bridge_key
from apps.management import operations as management
from apps.management.queries import own_claim
from apps.management.wiring import bridge_line
from apps.market.queries import current_moment

IDLE_SECONDS = 1.0
LOOK_SECONDS = 15.0
AWAY = "bridge_away"


class BridgeKeeper:
    """What one process remembers between turns."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._told_away = True  # by an earlier process, perhaps

    def step(self) -> bool:
        """One turn with every peer; every few seconds a look around. While the line is away, one incident says so."""
        moment, look = current_moment(), steady() - self._looked_at >= LOOK_SECONDS
        if look:
            self._looked_at = steady()
        worked = False
        try:
            worked = self._turn(moment, look=look)
        except* NotReady as away:
            if look:
                self._tell_away(away, moment)
        return worked

    def _turn(self, moment: Moment, *, look: bool) -> bool:
        claim = own_claim(lease.this_house(), settings.HQ_ROLE)
        sender = management.Sender(claim, bridge_key(), bridge_line())
        if look:
            management.watch_bridge(sender=sender, peers=settings.HQ_PEERS, moment=moment)
        worked = management.exchange_post(sender=sender, peers=settings.HQ_PEERS, moment=moment)
        if self._told_away:
            management.clear_incident(kind=AWAY, subject="bridge", reason="The bridge works again.", moment=moment)
            self._told_away = False
        return worked

    def _tell_away(self, away: ExceptionGroup[NotReady], moment: Moment) -> None:
        self._told_away = True
        reasons = {error.message for error in away.exceptions if isinstance(error, NotReady)}
        detail = f"{' '.join(sorted(reasons))} What is to be told to peers waits meanwhile."
        management.open_incident(kind=AWAY, subject="bridge", detail=detail, moment=moment)


_keeper = BridgeKeeper()
LOOPS = (Loop(name="bridge", step=_keeper.step, idle_seconds=IDLE_SECONDS, led=False),)
