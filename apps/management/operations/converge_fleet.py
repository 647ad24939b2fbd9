"""Makes what runs what is wanted. Every 30 s, and at once after a change; may run twice and beside itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import transaction
from redis import RedisError

from apps.agents.operations import forget_beats
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady, Refused
from apps.management.domain.fleet_plan import Act, Present, Step, Wanted, plan_fleet
from apps.management.domain.health_policy import NO_PROGRESS, Health, is_crash_loop, next_try, remember_crash
from apps.management.models import Container, Severity
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.observe_containers import STALLED, lock_fleet, observe_containers
from apps.management.operations.tell_screens import tell_agent_changed, tell_system_changed
from apps.management.operations.wanted_containers import keep_redis_users, wanted_containers
from apps.management.ports import ContainerSpec, Runtime
from apps.management.queries.fleet_pause import fleet_is_paused

CRASH_LOOP = "agent_crash_loop"
NOT_STARTED, NOT_STOPPED = "agent_not_started", "agent_not_stopped"
RUNTIME_AWAY = "runtime_away"
log = structlog.get_logger(__name__)


def converge_fleet(*, runtime: Runtime, moment: Moment, ended: Callable[[str], None] | None = None) -> tuple[Step, ...]:
    """Start, stop and replace containers until they are what the agents ask for; the steps that were taken.

    What this writes is seen when all steps are taken; ``ended`` is told the name of each container as it has ended, in
    a thread of its own.

    Raises ``NotReady`` when the runtime does not answer, after an incident says so: the next run begins anew from what
    it sees.
    """
    try:
        steps = _converge(runtime, moment, ended)
    except NotReady as away:
        tell_runtime_away(runtime, away, moment)
        raise
    clear_incident(kind=RUNTIME_AWAY, subject=runtime.name, reason="It answers again.", moment=moment)
    return steps


def tell_runtime_away(runtime: Runtime, away: NotReady, moment: Moment) -> None:
    """Nothing can be started, stopped or seen; what runs goes on, and so does trading."""
    detail = f"{away.message} Containers are left as they are until it answers."
    open_incident(kind=RUNTIME_AWAY, subject=runtime.name, detail=detail, severity=Severity.CRITICAL, moment=moment)


@transaction.atomic
def _converge(runtime: Runtime, moment: Moment, ended: Callable[[str], None] | None) -> tuple[Step, ...]:
    lock_fleet()
    specs = {} if fleet_is_paused() else wanted_containers(image=runtime.image)
    rows, seen = observe_containers(runtime=runtime, wanted=specs, moment=moment)
    _keep_redis_users({*specs, *seen})
    _quarantine(rows, specs, moment)
    steps = plan_fleet(
        [Wanted(spec.name, spec.digest) for spec in specs.values()],
        [Present(one.name, one.digest, one.running) for one in seen.values()],
        quarantined={name for name, row in rows.items() if row.quarantined_at is not None},
        resting={name for name, row in rows.items() if next_try(row.crashes, moment.wall) > moment.wall},
        unhealthy={name for name, row in rows.items() if row.health in NO_PROGRESS},
    )
    refusals = _carry_out(steps, specs, runtime, ended)
    taken = tuple(step for step in steps if step.name in refusals)
    for step in taken:
        _record(step, rows[step.name], specs.get(step.name), refusals[step.name], moment)
    if taken:
        tell_system_changed()
    return taken


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


def _keep_redis_users(names: set[str]) -> None:
    """Before an agent starts it must be known; one that was stopped loses its user on the next run."""
    try:
        keep_redis_users(names)
    except RedisError as error:
        log.warning("redis_users_not_kept", reason=str(error))  # agents wait for Redis too; the next run tells it


def _carry_out(
    steps: Iterable[Step],
    specs: Mapping[str, ContainerSpec],
    runtime: Runtime,
    ended: Callable[[str], None] | None,
) -> dict[str, Refused | None]:
    """Stops, then replacements, then starts, some side by side; by name why one could not be done.

    An emergency stop that is given meanwhile ends it: what is not in here was not done.
    """
    refusals: dict[str, Refused | None] = {}
    with ThreadPoolExecutor(runtime.at_once, thread_name_prefix="fleet") as pool:
        for act in (Act.STOP, Act.REPLACE, Act.START):
            for due in _some(runtime.at_once, [step for step in steps if step.act == act]):
                if act != Act.STOP and fleet_is_paused():
                    return refusals
                outcomes = pool.map(lambda step: _act(step, specs.get(step.name), runtime, ended), due)
                refusals |= {step.name: outcome for step, outcome in zip(due, outcomes, strict=True)}
    return refusals


def _some(many: int, steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    for first in range(0, len(steps), many):
        yield steps[first : first + many]


def _act(
    step: Step, spec: ContainerSpec | None, runtime: Runtime, ended: Callable[[str], None] | None
) -> Refused | None:
    """What the step means for the runtime; nothing here asks the database. One that refuses holds up no other."""
    log.info("fleet_step", act=step.act, container=step.name, reason=step.reason)
    try:
        if step.act in {Act.STOP, Act.REPLACE}:
            runtime.stop(step.name)
            if ended is not None:
                ended(step.name)
        if step.act in {Act.START, Act.REPLACE} and spec is not None:
            runtime.start(spec)
    except Refused as error:
        return error
    return None


def _record(step: Step, row: Container, spec: ContainerSpec | None, refusal: Refused | None, moment: Moment) -> None:
    """One that can't be started is an incident and rests like one that ended; the others go on."""
    if step.act == Act.STOP and refusal is not None:
        open_incident(
            kind=NOT_STOPPED, subject=step.name, detail=refusal.message, severity=Severity.CRITICAL, moment=moment
        )
        return
    row.started_at = None
    if step.act == Act.REPLACE and row.health in NO_PROGRESS:
        _note_stall(row, moment)
    if step.act in {Act.STOP, Act.REPLACE}:
        row.handle, row.memory_bytes, row.cpu_percent = "", None, None
        clear_incident(kind=NOT_STOPPED, subject=step.name, reason="It was stopped.", moment=moment)
    if step.act == Act.STOP:
        forget_beats([row.subject_id])
    if step.act in {Act.START, Act.REPLACE} and spec is not None:
        _record_start(step, row, spec, refusal, moment)
    row.save()
    tell_agent_changed(row.subject_id)


def _note_stall(row: Container, moment: Moment) -> None:
    """One that hangs is no better than one that ends: it counts as a crash, and too many of them end its tries."""
    row.restarts += 1
    row.crashes = remember_crash(row.crashes, moment.wall)
    detail = f"{row.reason} It is replaced. Crashes: {row.restarts}."
    open_incident(kind=STALLED, subject=row.name, detail=detail, severity=Severity.WARNING, moment=moment)


def _record_start(step: Step, row: Container, spec: ContainerSpec, refusal: Refused | None, moment: Moment) -> None:
    row.digest, row.limits = spec.digest, dict(spec.limits)
    if refusal is None:
        row.health, row.reason = Health.STARTING, step.reason
        clear_incident(kind=NOT_STARTED, subject=step.name, reason="It was started.", moment=moment)
        return
    row.health, row.reason = Health.ENDED, refusal.message
    row.crashes = remember_crash(row.crashes, moment.wall)
    open_incident(kind=NOT_STARTED, subject=step.name, detail=row.reason, severity=Severity.CRITICAL, moment=moment)
