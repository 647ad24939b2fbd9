"""The stop button: trading halts first, in a transaction of its own; only then are the agents' containers stopped."""

from typing import Any

from django.db import transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.management.models import FleetState
from apps.management.models.fleet_state import ONLY
from apps.management.operations.tell_screens import tell_system_changed
from apps.trading import operations as trading
from apps.trading import queries as trading_queries

CONVERGE = "workers.fleet.converge"
HINT_SECONDS = 60
GOES_ON = "The executor and the stop guard go on: open positions stay watched and can be closed."


def emergency_stop(*, actor: str, reason: str, flatten: bool, moment: Moment) -> dict[str, Any]:
    """Halt trading, cancel open orders, flatten if asked, stop the agents. Doing it again does no harm.

    The halt is committed before anything else is tried, so nothing that fails later can undo it.
    """
    reason = reason.strip() or f"Stopped by {actor}."
    halted = trading.halt_trading(actor=actor, reason=reason, flatten=flatten, moment=moment)
    _pause_fleet(paused=True, actor=actor, reason=reason, moment=moment)
    return {**halted, "agents": "stopping", "note": GOES_ON}


def resume(*, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Trade again and let the agents run. Raises ``Refused`` (``reason_required``) without a reason."""
    reason = reason.strip()
    if not reason:
        raise Refused("Say why trading may go on.", code="reason_required", field="reason")
    resumed = trading.resume_trading(actor=actor, reason=reason, moment=moment)
    _pause_fleet(paused=False, actor=actor, reason=reason, moment=moment)
    return {**resumed, "agents": "starting", "state": trading_queries.trading_state().state}


@transaction.atomic
def _pause_fleet(*, paused: bool, actor: str, reason: str, moment: Moment) -> None:
    values = {"paused": paused, "reason": reason, "actor": actor, "changed_at": moment.wall}
    FleetState.objects.update_or_create(pk=ONLY, defaults=values)
    tell_system_changed()
    after_commit.enqueue(CONVERGE, queue="fleet", expires=HINT_SECONDS)
    audit.append(
        chain=audit.OPERATIONS,
        action="fleet.paused" if paused else "fleet.resumed",
        actor=actor,
        subject="fleet",
        payload={"reason": reason},
        moment=moment,
    )
