"""Change risk limits: a new version with author and reason; orders judged from now on are held to it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.outbox import record_events
from apps.trading.domain.risk.risk_limits import changed
from apps.trading.models import RiskLimits
from apps.trading.operations.books.lock_portfolios import lock_portfolios
from apps.trading.operations.orders.announce_changes import system_event
from apps.trading.operations.risk.required_reason import required_reason
from apps.trading.queries.risk_limits import current_limits, limits_view


@transaction.atomic
def change_limits(*, changes: Mapping[str, Any], actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The limits after the change. Raises ``Refused`` naming the field for a bad limit or a missing reason."""
    reason = required_reason(reason)
    # Whoever proposes an order holds this lock too, so no order is judged half by old, half by new limits.
    lock_portfolios()
    before = current_limits()
    after = changed(before, changes)
    latest = RiskLimits.objects.order_by("-version").values_list("version", flat=True).first() or 0
    old, new = before.stored(), after.stored()
    difference = {name: {"from": old[name], "to": new[name]} for name in new if old[name] != new[name]}
    RiskLimits.objects.create(
        version=latest + 1, values=new, changes=difference, author=actor, reason=reason, at=moment.wall
    )
    record_events([system_event()])
    audit.append(
        chain=audit.OPERATIONS,
        action="limits.changed",
        actor=actor,
        subject=f"limits:{latest + 1}",
        payload={"changes": difference, "reason": reason},
        moment=moment,
    )
    return limits_view()
