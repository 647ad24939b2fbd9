"""Switch the autoscaler on or off, or change its policy; the old one stays readable under its version."""

from typing import Any

from django.db import transaction

from apps.agents.domain.strategies.registry import UnknownStrategyError, strategy_class
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.management.models import AutoscalerPolicy
from apps.management.operations.record_scaling import lock_scaling
from apps.management.queries.autoscaler_views import POLICY_FIELDS, autoscaler_policy_view, current_autoscaler_policy


def change_autoscaler(*, changes: dict[str, Any], actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The new policy. Raises ``Refused`` for an unknown field or strategy, values that contradict each other, or no
    reason.
    """
    if not reason.strip():
        raise Refused("Say why the autoscaler is changed.", code="reason_required", field="reason")
    with transaction.atomic():
        lock_scaling()
        before = current_autoscaler_policy(moment)
        changed = check_autoscaler(changes=changes, moment=moment)
        if not changed:
            return autoscaler_policy_view(moment)
        values = {name: getattr(before, name) for name in POLICY_FIELDS} | changed
        policy = AutoscalerPolicy(
            **values, version=before.version + 1, author=actor, reason=reason.strip(), at=moment.wall
        )
        policy.save(force_insert=True)
        audit.append(
            chain=audit.OPERATIONS,
            action="autoscaler.changed",
            actor=actor,
            subject="fleet",
            payload={"version": policy.version, "changes": changed, "reason": policy.reason},
            moment=moment,
        )
    return autoscaler_policy_view(moment)


def check_autoscaler(*, changes: dict[str, Any], moment: Moment) -> dict[str, Any]:
    """Those of ``changes`` that differ from the policy that holds. Raises ``Refused`` as ``change_autoscaler`` does."""
    for name in changes:
        if name not in POLICY_FIELDS:
            raise Refused(
                f"{name} is no part of the policy; it has {', '.join(POLICY_FIELDS)}.", code="unknown_field", field=name
            )
    for strategy in changes.get("strategies", ()):
        try:
            strategy_class(strategy)
        except UnknownStrategyError as error:
            raise Refused(str(error), code="unknown_strategy", field="strategies") from None
    holds = current_autoscaler_policy(moment)
    values = {name: getattr(holds, name) for name in POLICY_FIELDS}
    try:
        AutoscalerPolicy(**values | changes).rules()
    except ValueError as error:
        raise Refused(str(error), code="invalid_policy", field=str(error).partition(" ")[0]) from None
    return {name: value for name, value in changes.items() if values[name] != value}
