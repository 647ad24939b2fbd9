"""A person lets a container out of quarantine."""

from django.db import transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.management.models import Container
from apps.management.operations.emergency_stop import CONVERGE, HINT_SECONDS
from apps.management.operations.observe_containers import lock_fleet
from apps.management.operations.tell_screens import tell_system_changed


@transaction.atomic
def release_quarantine(*, name: str, actor: str, moment: Moment) -> None:
    """Forget its crashes and try again. Raises ``NotFound``; ``Conflict`` when it is in no quarantine."""
    lock_fleet()
    row = Container.objects.filter(pk=name).first()
    if row is None:
        raise NotFound(f"There is no container {name}.", code="unknown_container")
    if row.quarantined_at is None:
        raise Conflict(f"{name} is in no quarantine.", code="not_quarantined")
    row.quarantined_at, row.crashes = None, []
    row.save(update_fields=["quarantined_at", "crashes"])
    tell_system_changed()
    after_commit.enqueue(CONVERGE, queue="fleet", expires=HINT_SECONDS)
    audit.append(
        chain=audit.OPERATIONS,
        action="container.released",
        actor=actor,
        subject=f"container:{name}",
        payload={},
        moment=moment,
    )
