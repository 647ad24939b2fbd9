"""What an emergency stop asked for is done here, step by step, until the last order and the last agent have ended.

It hangs on PostgreSQL alone: no message of Redis starts it, and a container runtime that is away is asked again.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.db.models import F, Func, Q, Value

from apps.foundation import lease
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.foundation.lease import House
from apps.management.models import FleetState, Severity
from apps.management.models.fleet_state import ONLY
from apps.management.operations.converge_fleet import converge_fleet
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.ports import Runtime
from apps.trading import operations as trading
from apps.trading import queries as trading_queries

STOP_CHANNEL = "hq_stop"  # notified when a stop is given
ORDERS_LEFT, AGENTS_LEFT = "stop_orders_left", "stop_agents_left"
SUBJECT = "emergency stop"
ORDERS_PATIENCE = timedelta(seconds=10)  # what a healthy venue needs many times over
STANDS = "Trading is halted all the same."


def follow_stop(*, runtime: Runtime, house: House, moment: Moment) -> bool:
    """One look at a stop that is not through: orders that were not asked back are, agents that run are stopped.

    Whether to look again at once. What can't be done now is an incident, and done at a later look. Raises ``NotReady``
    while the runtime is away. A house that stands by leaves the stop to the one that leads, or led last.
    """
    unfinished = Q(orders_ended_at=None) | Q(agents_ended_at=None)
    stop = FleetState.objects.filter(unfinished, pk=ONLY, paused=True).first()
    if stop is None or not _led_last(house):
        return False
    if stop.orders_ended_at is None:
        _follow_orders(stop, moment)
    return stop.agents_ended_at is None and _stop_agents(stop, runtime, moment)


def end_of_stop(*, reason: str, moment: Moment) -> None:
    """Nothing is left to be done of a stop: its incidents are over."""
    for kind in (ORDERS_LEFT, AGENTS_LEFT):
        clear_incident(kind=kind, subject=SUBJECT, reason=reason, moment=moment)


def _led_last(house: House) -> bool:
    """Whether the agents that run are this house's: it leads, led last, or nobody ever did."""
    seen = lease.observe()
    return not seen or max(seen, key=lambda one: one.epoch).house == house.key


def _follow_orders(stop: FleetState, moment: Moment) -> None:
    if not stop.orders_asked:
        trading.cancel_open_orders(actor=stop.actor, reason="Trading was halted.", moment=moment)
        FleetState.objects.filter(pk=ONLY, changed_at=stop.changed_at).update(orders_asked=True)
    left = trading_queries.cancels_waiting()
    if left == 0:
        ended = trading_queries.last_order_ended()
        since_the_halt = ended is not None and stop.changed_at is not None and ended > stop.changed_at
        _note(stop, orders_ended_at=ended if ended is not None and since_the_halt else moment.wall)
        clear_incident(kind=ORDERS_LEFT, subject=SUBJECT, reason="No cancellation waits any more.", moment=moment)
    elif stop.changed_at is not None and moment.wall - stop.changed_at > ORDERS_PATIENCE:
        detail = f"{left} orders wait to be canceled at their venues; they are asked again until it is proven. {STANDS}"
        open_incident(kind=ORDERS_LEFT, subject=SUBJECT, detail=detail, severity=Severity.CRITICAL, moment=moment)


def _stop_agents(stop: FleetState, runtime: Runtime, moment: Moment) -> bool:
    """Whether some were stopped now: the next look, which reads the clock again, says that none is left."""
    try:
        stopped = converge_fleet(runtime=runtime, moment=moment, ended=partial(_note_end, stop))
        left = _running(runtime)
    except NotReady as away:
        _agents_left(f"The agents could not be stopped: {away.message}", moment)
        raise
    if left:
        _agents_left(f"{len(left)} agents still run: {', '.join(left)}.", moment)
    elif not stopped:
        _note(stop, agents_ended_at=moment.wall)
        clear_incident(kind=AGENTS_LEFT, subject=SUBJECT, reason="No agent runs any more.", moment=moment)
    return bool(stopped) and not left


def _note_end(stop: FleetState, name: str) -> None:
    """On the screens at once, while others still end. Called in a thread and on a connection of its own."""
    try:
        _note(stop, agents_ended=Func(F("agents_ended"), Value(name), function="array_append"))
    finally:
        connection.close()


def _running(runtime: Runtime) -> list[str]:
    return sorted(one.name for one in runtime.observe() if one.running)


def _agents_left(detail: str, moment: Moment) -> None:
    again = f"{detail} They are stopped as soon as that can be done. {STANDS}"
    open_incident(kind=AGENTS_LEFT, subject=SUBJECT, detail=again, severity=Severity.CRITICAL, moment=moment)


@transaction.atomic
def _note(stop: FleetState, **ended: datetime | Func) -> None:
    """The step is done, unless somebody resumed or stopped anew meanwhile."""
    if FleetState.objects.filter(pk=ONLY, paused=True, changed_at=stop.changed_at).update(**ended):
        tell_system_changed()
