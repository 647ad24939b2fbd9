"""A person wants another instance to lead: the one that does lets go first, the other takes over as after a failure."""

from typing import Any

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.management.domain.instance_roles import Role
from apps.management.models import Instance
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.instance_views import instance_view, leader_name
from apps.trading.operations.risk.required_reason import required_reason


@transaction.atomic
def promote_instance(*, name: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Ask for it; the instance's view. For a minute nobody else may take the lease.

    Raises ``NotFound``, ``Refused`` without a reason, and ``Conflict`` for one that leads already, that researches, or
    that has not been seen lately.
    """
    reason = required_reason(reason)
    row = Instance.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no instance {name}.", code="unknown_instance", field="id")
    if row.role == Role.RESEARCH:
        raise Conflict(f"{name} is for research and never sends an order.", code="research_never_leads")
    if leader_name() == name:
        raise Conflict(f"{name} leads already.", code="leads_already")
    if not instance_view(row, moment.wall)["alive"]:
        raise Conflict(
            f"{name} was last seen at {row.seen_at:%Y-%m-%d %H:%M:%S} UTC. Start it first.", code="instance_away"
        )
    Instance.objects.exclude(name=name).update(promotion_at=None)
    Instance.objects.filter(name=name).update(
        promotion_at=moment.wall, promotion_by=actor, promotion_reason=reason[:300]
    )
    tell_system_changed()
    audit.append(
        chain=audit.OPERATIONS,
        action="leadership.promotion_wanted",
        actor=actor,
        subject=f"instance:{name}",
        payload={"reason": reason},
        moment=moment,
    )
    row.refresh_from_db()
    return instance_view(row, moment.wall)
