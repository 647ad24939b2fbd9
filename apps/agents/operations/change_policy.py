"""Change how votes are pooled; the old policy stays readable under its version."""

from typing import Any

from django.db import transaction

from apps.agents.models import ConsensusPolicy, locking
from apps.agents.queries.consensus_policy import POLICY_FIELDS, current_policy, policy_view
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused


def change_policy(*, changes: dict[str, Any], actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The new policy. Raises ``Refused`` for an unknown field, values that can't be, or no reason."""
    if not reason.strip():
        raise Refused("A change of the policy needs a reason.", code="required", field="reason")
    for name in changes:
        if name not in POLICY_FIELDS:
            raise Refused(
                f"{name} is no part of the policy; it has {', '.join(POLICY_FIELDS)}.", code="unknown_field", field=name
            )
    with transaction.atomic():
        locking.take(locking.CREATING)
        before = current_policy()
        values = {name: getattr(before, name) for name in POLICY_FIELDS} | changes
        policy = ConsensusPolicy(
            **values, version=before.version + 1, author=actor, reason=reason.strip(), at=moment.wall
        )
        try:
            policy.consensus_rules()
            policy.stance_rules()
        except ValueError as error:
            raise Refused(str(error), code="invalid_policy") from None
        policy.save(force_insert=True)
        payload = {"version": policy.version, "changes": changes, "reason": policy.reason}
        audit.append(
            chain=audit.OPERATIONS,
            action="consensus.changed",
            actor=actor,
            subject="consensus",
            payload=payload,
            moment=moment,
        )
    return policy_view()
