"""Which provider leads: priority and health, with hysteresis so that a flapping one doesn't take the lead back and
forth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DOWN_AFTER_FAILURES = 3
SILENT_AFTER = timedelta(seconds=20)
TRUSTED_AFTER = timedelta(seconds=60)  # a provider that came back must hold this long before it leads again


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one provider. ``priority``: smaller leads. ``healthy_since``: start of the current unbroken run
    of answers.
    """

    name: str
    priority: int
    failures: int
    last_ok: datetime | None
    healthy_since: datetime | None


def is_usable(health: Health, wall: datetime) -> bool:
    """Has it answered lately, without a run of failures?"""
    return (
        health.last_ok is not None and health.failures < DOWN_AFTER_FAILURES and wall - health.last_ok <= SILENT_AFTER
    )


def choose_primary(current: str | None, healths: Sequence[Health], wall: datetime) -> str | None:
    """The provider that leads now; None when none is usable.

    The current one keeps the lead while usable, unless one of better priority has been healthy for a minute.
    """
    usable = sorted(
        (health for health in healths if is_usable(health, wall)), key=lambda health: (health.priority, health.name)
    )
    if not usable:
        return None
    leading = next((health for health in usable if health.name == current), None)
    if leading is None:
        return usable[0].name
    for health in usable:
        if health.priority >= leading.priority:
            break
        if health.healthy_since is not None and wall - health.healthy_since >= TRUSTED_AFTER:
            return health.name
    return leading.name
