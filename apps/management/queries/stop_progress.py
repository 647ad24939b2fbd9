"""How far an emergency stop has come: halted, orders canceled, agents stopped."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from apps.foundation.time_text import utc_text
from apps.management.models import Container, FleetState
from apps.management.models.fleet_state import ONLY
from apps.trading import queries as trading


def stop_progress() -> dict[str, Any] | None:
    """The steps of the stop in force, each with what it had to end, what is left of that, and its seconds since the
    halt once it is through; None without a stop.
    """
    stop = FleetState.objects.filter(pk=ONLY, paused=True).first()
    if stop is None or stop.changed_at is None:
        return None
    return {
        "by": stop.actor,
        "reason": stop.reason,
        "halted_at": utc_text(stop.changed_at),
        "orders_total": stop.orders_at_stop,
        "orders_left": 0 if stop.orders_ended_at else trading.cancels_waiting(),
        "orders_seconds": _seconds(stop.changed_at, stop.orders_ended_at),
        "agents_total": stop.agents_at_stop,
        "agents_left": 0 if stop.agents_ended_at else containers_left(ended=stop.agents_ended),
        "agents_seconds": _seconds(stop.changed_at, stop.agents_ended_at),
    }


def containers_left(*, ended: Collection[str] = ()) -> int:
    """How many containers of agents were seen last and not stopped since; ``ended`` are known to be, by their names."""
    return Container.objects.exclude(handle="").exclude(name__in=ended).count()


def _seconds(began: datetime, ended: datetime | None) -> float | None:
    return None if ended is None else round((ended - began).total_seconds(), 3)
