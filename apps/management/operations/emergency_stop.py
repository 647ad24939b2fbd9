"""The stop button: trading halts first, in a transaction of its own; then orders are canceled, then agents stopped.

What is asked for here stands in the database when the call returns, and needs neither Redis nor the container runtime.
``follow_stop`` does it, and goes on until all of it is done.
"""

from typing import Any

from django.db import connection, transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.management.models import FleetState
from apps.management.models.fleet_state import ONLY
from apps.management.operations.follow_stop import STOP_CHANNEL, end_of_stop
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.stop_progress import containers_left, stop_progress
from apps.trading import operations as trading
from apps.trading import queries as trading_queries

CONVERGE = "workers.fleet.converge"
HINT_SECONDS = 60
GOES_ON = "The executor and the stop guard go on: open positions stay watched and can be closed."


def emergency_stop(*, actor: str, reason: str, flatten: bool, moment: Moment) -> dict[str, Any]:
    """Halt trading, cancel open orders, flatten if asked, stop the agents. Doing it again does no harm.

    The halt is committed before anything else is tried, so nothing that fails later can undo it; what fails later is
    raised, tried again by the house itself, and an incident meanwhile.
    """
    reason = reason.strip() or f"Stopped by {actor}."
    asked = False
    try:
        halted = trading.halt_trading(actor=actor, reason=reason, flatten=flatten, moment=moment)
        asked = True
    finally:  # whatever kept the orders from being asked back must not keep the agents running
        _pause_fleet(orders_asked=asked, actor=actor, reason=reason, moment=moment)
    return {**halted, "agents": "stopping", "progress": stop_progress(), "note": GOES_ON}


def resume(*, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Trade again and let the agents run. Raises ``Refused`` (``reason_required``) without a reason."""
    reason = reason.strip()
    if not reason:
        raise Refused("Say why trading may go on.", code="reason_required", field="reason")
    resumed = trading.resume_trading(actor=actor, reason=reason, moment=moment)
    _release_fleet(actor=actor, reason=reason, moment=moment)
    return {**resumed, "agents": "starting", "state": trading_queries.trading_state().state}


@transaction.atomic
def _pause_fleet(*, orders_asked: bool, actor: str, reason: str, moment: Moment) -> None:
    values = {
        "paused": True,
        "reason": reason,
        "actor": actor,
        "changed_at": moment.wall,
        "orders_at_stop": trading_queries.cancels_waiting(),
        "agents_at_stop": containers_left(),
        "agents_ended": [],
        "orders_asked": orders_asked,
        "orders_ended_at": None,
        "agents_ended_at": None,
    }
    FleetState.objects.update_or_create(pk=ONLY, defaults=values)
    with connection.cursor() as hint:
        hint.execute("SELECT pg_notify(%s, '')", [STOP_CHANNEL])
    _tell("fleet.paused", actor, reason, moment)


@transaction.atomic
def _release_fleet(*, actor: str, reason: str, moment: Moment) -> None:
    values = {"paused": False, "reason": reason, "actor": actor, "changed_at": moment.wall}
    FleetState.objects.update_or_create(pk=ONLY, defaults=values)
    end_of_stop(reason="Trading was resumed.", moment=moment)
    after_commit.enqueue(CONVERGE, queue="fleet", expires=HINT_SECONDS)
    _tell("fleet.resumed", actor, reason, moment)


def _tell(action: str, actor: str, reason: str, moment: Moment) -> None:
    tell_system_changed()
    audit.append(
        chain=audit.OPERATIONS, action=action, actor=actor, subject="fleet", payload={"reason": reason}, moment=moment
    )
