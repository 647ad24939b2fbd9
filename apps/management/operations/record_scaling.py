"""What every decision about the fleet's size has in common: one at a time, and a row that keeps its inputs."""

from typing import Any

from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id
from apps.management.domain.autoscaling import Remembered
from apps.management.domain.host_budget import Resources
from apps.management.models import FleetState, ScalingDecision
from apps.management.models.fleet_state import ONLY

SCALING_LOCK = 7_214_002  # any number that no other advisory lock of the house uses


def lock_scaling() -> None:
    """People and the autoscaler scale one at a time, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCALING_LOCK])


def held_back() -> str:
    """Why no container may start now, in a sentence; empty when they may."""
    paused = FleetState.objects.filter(pk=ONLY, paused=True).first()
    if paused is None:
        return ""
    return f"The stop of {paused.actor} holds the agents back until trading is resumed."


def record_scaling(
    *,
    action: str,
    code: str,
    reason: str,
    actor: str,
    inputs: dict[str, Any],
    plan: dict[str, Any],
    moment: Moment,
    remembered: Remembered | None = None,
    policy_version: int | None = None,
) -> ScalingDecision:
    """Keep one decision within the running transaction."""
    known = remembered or Remembered()
    return ScalingDecision.objects.create(
        id=new_id(),
        at=moment.wall,
        firm_at=moment.firm,
        actor=actor,
        action=action,
        code=code,
        reason=reason,
        inputs=inputs,
        plan=plan,
        policy_version=policy_version,
        hot=known.hot,
        wish=known.wish,
        wish_since=known.wish_since,
    )


def resources_view(resources: Resources) -> dict[str, Any]:
    """Memory and processors as JSON."""
    return {"memory_bytes": resources.memory_bytes, "cpus": resources.cpus}
