"""Every 30 s: this instance lives, its containers' health, its loops' pulse. What is wrong becomes an incident."""

import socket
from datetime import datetime, timedelta
from importlib.metadata import version

from django.conf import settings
from django.db import transaction

from apps.foundation import beats
from apps.foundation.clock import Moment
from apps.management.models import Instance, Severity
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.observe_containers import is_paused, lock_fleet, observe_containers
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.operations.wanted_containers import wanted_containers
from apps.management.ports import Runtime
from apps.management.queries.process_views import FORGOTTEN, LATE

LOOP_SILENT = "loop_silent"
RESTART_GAP = timedelta(minutes=5)


@transaction.atomic
def watch_health(*, runtime: Runtime, moment: Moment) -> None:
    """Record what lives. Raises ``NotReady`` when the runtime does not answer."""
    _see_instance(moment.wall)
    _watch_loops(moment)
    lock_fleet()
    wanted = {} if is_paused() else wanted_containers(image=runtime.image)
    observe_containers(runtime=runtime, wanted=wanted, moment=moment)
    tell_system_changed()


def _see_instance(wall: datetime) -> None:
    values = {
        "role": settings.HQ_ROLE,
        "host": socket.gethostname(),
        "runtime": settings.HQ_RUNTIME,
        "version": version("tradinghq"),
        "seen_at": wall,
    }
    known = Instance.objects.filter(name=settings.HQ_INSTANCE).first()
    if known is None or wall - known.seen_at > RESTART_GAP:
        values["started_at"] = wall
    Instance.objects.update_or_create(
        name=settings.HQ_INSTANCE, defaults=values, create_defaults={**values, "started_at": wall}
    )


def _watch_loops(moment: Moment) -> None:
    for pulse in beats.all():
        silence = moment.wall - pulse.beat_at
        if LATE < silence <= FORGOTTEN:
            detail = f"{pulse.name} has not beaten for {silence.seconds} s. Last error: {pulse.last_error or 'none'}."
            open_incident(
                kind=LOOP_SILENT, subject=pulse.name, detail=detail, severity=Severity.CRITICAL, moment=moment
            )
        else:
            clear_incident(kind=LOOP_SILENT, subject=pulse.name, reason="It beats again.", moment=moment)
