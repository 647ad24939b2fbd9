"""Every 30 s: leases, room on the disk, containers' health, loops' pulse. What is wrong becomes an incident."""

from django.conf import settings
from django.db import transaction

from apps.agents.queries import desired_agents, heartbeats
from apps.foundation import beats, lease
from apps.foundation.clock import Moment
from apps.foundation.disk_room import disk_room
from apps.foundation.errors import NotReady
from apps.management.models import Incident, Instance, Severity
from apps.management.operations.converge_fleet import tell_runtime_away
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.keep_instances import see_instance
from apps.management.operations.observe_containers import lock_fleet, observe_containers
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.operations.wanted_containers import wanted_containers
from apps.management.ports import Runtime
from apps.management.queries.fleet_pause import fleet_is_paused
from apps.management.queries.instance_views import ALIVE
from apps.management.queries.process_views import FORGOTTEN, LATE

LOOP_SILENT = "loop_silent"
LED_IN_PART = "leadership_in_part"
SILENT = "instance_silent"
DISK_SHORT = "disk_short"
RAISES = "agent_raises"


def watch_health(*, runtime: Runtime, moment: Moment) -> None:
    """Record what lives. Raises ``NotReady`` when the runtime does not answer, after all else was looked at."""
    with transaction.atomic():
        see_instance(house=lease.this_house(), role=settings.HQ_ROLE, moment=moment)
        _watch_leases(moment)
        _watch_instances(moment)
        _watch_loops(moment)
        _watch_strategies(moment)
        _watch_disk(moment)
        tell_system_changed()
    try:
        _watch_containers(runtime, moment)
    except NotReady as away:
        tell_runtime_away(runtime, away, moment)
        raise


@transaction.atomic
def _watch_containers(runtime: Runtime, moment: Moment) -> None:
    lock_fleet()
    wanted = {} if fleet_is_paused() else wanted_containers(image=runtime.image)
    observe_containers(runtime=runtime, wanted=wanted, moment=moment)


def _watch_leases(moment: Moment) -> None:
    """All accounts are led by one house. Half of them led is nobody's intention, and somebody has to look."""
    seen = lease.observe()
    houses = {one.holder if one.alive else "nobody" for one in seen}
    if len(houses) > 1:
        parts = ", ".join(f"{one.scope} by {one.holder if one.alive else 'nobody'}" for one in seen)
        detail = f"Not all accounts are led by one instance: {parts}."
        open_incident(kind=LED_IN_PART, subject="lease", detail=detail, severity=Severity.CRITICAL, moment=moment)
    else:
        clear_incident(kind=LED_IN_PART, subject="lease", reason="One instance leads all accounts.", moment=moment)


def _watch_instances(moment: Moment) -> None:
    """The others of the firm: one that stopped a while ago is no news, one that fell silent just now is."""
    for other in Instance.objects.exclude(house=lease.this_house().key).order_by("name"):
        silence = moment.wall - other.seen_at
        if ALIVE < silence <= FORGOTTEN:
            detail = f"{other.name} ({other.role}, on {other.host}) was last seen {silence.seconds} s ago."
            open_incident(kind=SILENT, subject=other.name, detail=detail, severity=Severity.WARNING, moment=moment)
        else:
            clear_incident(kind=SILENT, subject=other.name, reason="It is there, or was given up.", moment=moment)


def _watch_loops(moment: Moment) -> None:
    """Silence counts from the start of the house that runs now: before, it was down, and nobody is called for that."""
    pulses = beats.own()
    up_since = min((each.started_at for each in pulses if moment.wall - each.beat_at <= LATE), default=None)
    for pulse in pulses:
        silence = moment.wall - max(pulse.beat_at, up_since or pulse.beat_at)
        if LATE < silence <= FORGOTTEN:
            detail = f"{pulse.name} has not beaten for {silence.seconds} s. Last error: {pulse.last_error or 'none'}."
            open_incident(
                kind=LOOP_SILENT, subject=pulse.name, detail=detail, severity=Severity.CRITICAL, moment=moment
            )
        else:
            clear_incident(kind=LOOP_SILENT, subject=pulse.name, reason="It beats again.", moment=moment)


def _watch_strategies(moment: Moment) -> None:
    """A strategy that raises abstains: its agent looks alive, and earns nothing."""
    running = {agent.id: agent for agent in desired_agents() if agent.running}
    signs = heartbeats(list(running))
    if not signs.known:
        return
    raising = {running[agent_id].name: sign["problem"] for agent_id, sign in signs.beats.items() if sign.get("problem")}
    for name, problem in sorted(raising.items()):
        detail = f"Its strategy raises, and it abstains: {problem}. Its log has the traceback."
        open_incident(kind=RAISES, subject=name, detail=detail, severity=Severity.WARNING, moment=moment)
    for over in Incident.objects.filter(kind=RAISES, closed_at=None).exclude(subject__in=raising):
        clear_incident(kind=RAISES, subject=over.subject, reason="It answers again, or ended.", moment=moment)


def _watch_disk(moment: Moment) -> None:
    """Told while it can still be written down."""
    here, room = lease.this_house().name, disk_room(settings.HQ_HOME, records=settings.DATABASE_EMBEDDED)
    if room.is_short:
        open_incident(kind=DISK_SHORT, subject=here, detail=room.sentence, severity=Severity.CRITICAL, moment=moment)
    else:
        clear_incident(kind=DISK_SHORT, subject=here, reason="There is room again.", moment=moment)
