"""Makes what runs what is wanted. Every 30 s, and at once after a change; may run twice and beside itself."""

import structlog
from django.db import transaction

from apps.foundation.clock import Moment
from apps.management.domain.fleet_plan import Act, Present, Step, Wanted, plan_fleet
from apps.management.domain.health_policy import Health, is_crash_loop, next_try
from apps.management.models import Container, Severity
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.observe_containers import is_paused, lock_fleet, observe_containers
from apps.management.operations.tell_screens import tell_agent_changed, tell_system_changed
from apps.management.operations.wanted_containers import wanted_containers
from apps.management.ports import ContainerSpec, Runtime

CRASH_LOOP = "agent_crash_loop"
log = structlog.get_logger(__name__)


@transaction.atomic
def converge_fleet(*, runtime: Runtime, moment: Moment) -> tuple[Step, ...]:
    """Start, stop and replace containers until they are what the agents ask for; the steps that were taken.

    Raises ``NotReady`` when the runtime does not answer: the next run begins anew from what it sees.
    """
    lock_fleet()
    specs = {} if is_paused() else wanted_containers()
    rows, seen = observe_containers(runtime=runtime, wanted=specs, moment=moment)
    _quarantine(rows, specs, moment)
    steps = plan_fleet(
        [Wanted(spec.name, spec.digest) for spec in specs.values()],
        [Present(one.name, one.digest, one.running) for one in seen.values()],
        quarantined={name for name, row in rows.items() if row.quarantined_at is not None},
        resting={name for name, row in rows.items() if next_try(row.crashes, moment.wall) > moment.wall},
        unhealthy={name for name, row in rows.items() if row.health == Health.SILENT},
    )
    for step in steps:
        _take(step, rows[step.name], specs.get(step.name), runtime)
    if steps:
        tell_system_changed()
    return steps


def _quarantine(rows: dict[str, Container], specs: dict[str, ContainerSpec], moment: Moment) -> None:
    for name in sorted(specs):
        row = rows[name]
        if row.quarantined_at is None and is_crash_loop(row.crashes, moment.wall):
            row.quarantined_at, row.health = moment.wall, Health.QUARANTINED
            row.reason = f"It ended {len(row.crashes)} times in a short time. Stop and start the agent to try again."
            row.save()
            open_incident(kind=CRASH_LOOP, subject=name, detail=row.reason, severity=Severity.CRITICAL, moment=moment)
        elif row.health == Health.HEALTHY:
            clear_incident(kind=CRASH_LOOP, subject=name, reason="It runs and makes progress again.", moment=moment)


def _take(step: Step, row: Container, spec: ContainerSpec | None, runtime: Runtime) -> None:
    log.info("fleet_step", act=step.act, container=step.name, reason=step.reason)
    if step.act in {Act.STOP, Act.REPLACE}:
        runtime.stop(step.name)
        row.handle, row.started_at, row.memory_bytes, row.cpu_percent = "", None, None, None
    if step.act in {Act.START, Act.REPLACE} and spec is not None:
        runtime.start(spec)
        row.digest, row.limits, row.started_at = spec.digest, dict(spec.limits), None
        row.health, row.reason = Health.STARTING, step.reason
    row.save()
    tell_agent_changed(row.subject_id)
