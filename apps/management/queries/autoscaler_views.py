"""The autoscaler's policy and the decisions about the fleet's size, as the API and the screens show them."""

from datetime import timedelta
from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.time_text import utc_text
from apps.management.domain.autoscaling import Action, Remembered
from apps.management.models import AutoscalerPolicy, ScalingDecision

POLICY_FIELDS = (
    "enabled",
    "strategies",
    "least_agents",
    "most_agents",
    "hot_above",
    "cool_under",
    "late_above",
    "weak_brier",
    "most_memory_bytes",
    "most_cpus",
    "hold_seconds",
    "cooldown_seconds",
)
FORGOTTEN = timedelta(minutes=5)  # after a longer pause a signal must hold anew


def current_autoscaler_policy(moment: Moment) -> AutoscalerPolicy:
    """The newest policy; before the first change the defaults, switched off, as version 0."""
    newest = AutoscalerPolicy.objects.order_by("-version").first()
    return newest or AutoscalerPolicy(version=0, author="the defaults", reason="Nobody changed it yet.", at=moment.wall)


def autoscaler_policy_view(moment: Moment) -> dict[str, Any]:
    """The policy that holds, who set it and why."""
    policy = current_autoscaler_policy(moment)
    shown = {name: getattr(policy, name) for name in ("version", *POLICY_FIELDS, "author", "reason")}
    return {**shown, "at": utc_text(policy.at) if policy.version else None}


def scaling_decision_view(row: ScalingDecision) -> dict[str, Any]:
    """One decision with what it was made from and what was done."""
    return {
        "id": str(row.pk),
        "at": utc_text(row.at),
        "firm_at": utc_text(row.firm_at),
        "actor": row.actor,
        "action": row.action,
        "code": row.code,
        "reason": row.reason,
        "inputs": row.inputs,
        "plan": row.plan,
        "policy_version": row.policy_version,
    }


def remembered(moment: Moment) -> Remembered:
    """What the autoscaler's next look knows of the looks before."""
    acts = ScalingDecision.objects.exclude(action=Action.NOTHING).order_by("-at", "-id")
    act = acts.values_list("at", flat=True).first()
    last = ScalingDecision.objects.filter(policy_version__isnull=False).order_by("-at", "-id").first()
    if last is None or moment.wall - last.at > FORGOTTEN:
        return Remembered(acted_at=act)
    return Remembered(hot=last.hot, wish=last.wish, wish_since=last.wish_since, acted_at=act)
