"""What the runtime and the heartbeats say, written into the containers' rows: health, crashes, use of memory."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.agents.operations import forget_beats
from apps.agents.queries import MissedRounds, heartbeats, missed_rounds
from apps.agents.queries.heartbeats import Heartbeats
from apps.foundation.clock import Moment
from apps.management.domain.health_policy import Health, Unanswered, judge, remember_crash
from apps.management.domain.last_words import last_words
from apps.management.models import Container, Severity
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.operations.tell_screens import tell_agent_changed
from apps.management.operations.wanted_containers import PREFIX
from apps.management.ports import ObservedContainer, Runtime

ENDED = "agent_ended"
STALLED = "agent_stalled"
OUT_OF_MEMORY = "agent_out_of_memory"
LOOKED_AT = 8_000  # bytes of a log's end
FLEET_LOCK = 7_214_001  # any number that no other advisory lock of the house uses


def lock_fleet() -> None:
    """Observing and converging run one at a time, until this transaction ends.

    It is no row's lock: the emergency stop writes that the fleet is paused without waiting for a container to end.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FLEET_LOCK])


def observe_containers(
    *, runtime: Runtime, wanted: Collection[str], moment: Moment
) -> tuple[dict[str, Container], dict[str, ObservedContainer]]:
    """The rows, brought up to date and saved, and what the runtime sees. The caller holds the fleet's lock.

    Raises ``NotReady`` when the runtime does not answer.
    """
    seen = {one.name: one for one in runtime.observe() if one.name.startswith(PREFIX)}
    rows = {row.name: row for row in Container.objects.order_by("name")}
    for name in sorted({*seen, *wanted} - set(rows)):
        rows[name] = Container(
            name=name, subject_id=UUID(name.removeprefix(PREFIX)), health=Health.STARTING, observed_at=moment.wall
        )
    subjects = [row.subject_id for row in rows.values()]
    beats, missed = heartbeats(subjects), missed_rounds(subjects)
    for name in sorted(rows):
        row = rows[name]
        before = (row.health, row.handle)
        row.runtime, row.limits_enforced = runtime.name, runtime.enforces_limits
        row.observed_at, row.wanted = moment.wall, name in wanted
        found = seen.get(name)
        if _take_over(row, found, moment) and found is not None and row.wanted:
            _tell_crash(row, found, last_words(runtime.log_tail(name, size=LOOKED_AT)), moment)
        _bring_up_to_date(row, found, beats, missed.get(row.subject_id), moment)
        row.save()
        if (row.health, row.handle) != before:
            tell_agent_changed(row.subject_id)
    ended = [row for row in rows.values() if row.name not in seen or not seen[row.name].running]
    forget_beats([row.subject_id for row in ended if row.subject_id in beats.beats])
    return rows, seen


def _bring_up_to_date(
    row: Container, found: ObservedContainer | None, beats: Heartbeats, missed: MissedRounds | None, moment: Moment
) -> None:
    _read_beat(row, beats.beats.get(row.subject_id), moment)
    if not row.wanted:
        row.quarantined_at, row.crashes = None, []  # stopping and starting an agent lifts its quarantine
        row.health, row.reason = Health.STOPPED, ""
    elif row.quarantined_at is not None:
        row.health = Health.QUARANTINED
    else:
        verdict = judge(
            running=bool(found and found.running),
            started_at=row.started_at,
            beat_at=row.beat_at,
            beats_known=beats.known,
            wall=moment.wall,
            ended_reason=found.detail if found else "",
            unanswered=Unanswered(missed.since, missed.until, row.progressed_at) if missed else None,
        )
        row.health, row.reason = verdict.health, verdict.reason
        if row.health == Health.HEALTHY:
            for kind in (ENDED, OUT_OF_MEMORY, STALLED):
                clear_incident(kind=kind, subject=row.name, reason="It runs and makes progress again.", moment=moment)


def _tell_crash(row: Container, found: ObservedContainer, said: str, moment: Moment) -> None:
    kind = OUT_OF_MEMORY if found.out_of_memory else ENDED
    how = found.detail or "It ended and runs again; how it ended was not seen."
    detail = f"{how} Exit code: {'unknown' if found.exit_code is None else found.exit_code}. Crashes: {row.restarts}."
    if said:
        detail += f" Its log ends with: {said}"
    open_incident(kind=kind, subject=row.name, detail=detail, severity=Severity.WARNING, moment=moment)


def _take_over(row: Container, found: ObservedContainer | None, moment: Moment) -> bool:
    """Copy what the runtime says; whether it crashed: a new start time or an end that nobody asked for."""
    known_start = row.started_at
    if found is None:
        crashed = False  # the supervisor keeps what crashed; what it doesn't know was never started by it
        row.handle, row.started_at, row.memory_bytes, row.cpu_percent = "", None, None, None
    else:
        restarted = known_start is not None and found.started_at is not None and found.started_at > known_start
        ended = not found.running and row.health not in {Health.ENDED, Health.QUARANTINED}
        crashed = restarted or ended
        row.handle, row.started_at, row.digest = found.handle, found.started_at, found.digest
        row.memory_bytes, row.cpu_percent = found.memory_bytes, found.cpu_percent
        row.exit_code = found.exit_code if found.exit_code is not None else row.exit_code
    if crashed:
        row.restarts += 1
        row.crashes = remember_crash(row.crashes, moment.wall)
    return crashed


def _read_beat(row: Container, beat: Mapping[str, Any] | None, moment: Moment) -> None:
    if beat is None:
        return
    at = datetime.fromisoformat(beat["at"])
    row.beat_at = at if at.tzinfo else None
    votes = beat.get("votes")
    if isinstance(votes, int) and votes != row.votes:
        row.votes, row.progressed_at = votes, moment.wall
