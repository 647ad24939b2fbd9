"""The instances of the firm: each says that it lives; a second of one name or a second primary is refused."""

import socket
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.foundation import lease
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.lease import House
from apps.management.domain.instance_roles import Role
from apps.management.models import Instance
from apps.management.queries.instance_views import ALIVE

RESTART_GAP = timedelta(minutes=5)


def see_instance(*, house: House, role: str, moment: Moment) -> None:
    """Note that this instance lives."""
    values: dict[str, Any] = {
        "house": house.key,
        "role": role,
        "host": socket.gethostname(),
        "runtime": settings.HQ_RUNTIME,
        "version": version("tradinghq"),
        "seen_at": moment.wall,
    }
    known = Instance.objects.filter(name=house.name).values_list("seen_at", "house").first()
    if known is None or known[1] != house.key or moment.wall - known[0] > RESTART_GAP:
        values["started_at"] = moment.wall
    Instance.objects.update_or_create(
        name=house.name, defaults=values, create_defaults={**values, "started_at": moment.wall}
    )


@transaction.atomic
def admit_instance(*, house: House, role: str, moment: Moment) -> None:
    """Let this house start on the database, and note that it lives.

    Raises ``Refused`` where another house of that name lives (``instance_name_taken``), for a second living primary
    (``second_primary``), and where the database is for research and this is not, or the other way (``wrong_database``).
    """
    duty = lease.decide_duty(research=role == Role.RESEARCH)
    if duty == "research" and role != Role.RESEARCH:
        raise Refused(
            "This database belongs to a research instance, on which nobody trades. Set DATABASE_URL to the firm's own.",
            code="wrong_database",
        )
    if duty != "research" and role == Role.RESEARCH:
        raise Refused(
            "This database belongs to a firm that trades; a research instance has its own. Set DATABASE_URL to another"
            " one, or leave it out.",
            code="wrong_database",
        )
    for other in _living_others(house, moment.wall):
        if other.name == house.name:
            seen = max(0.0, (moment.wall - other.seen_at).total_seconds())
            raise Refused(
                f"Another instance called {house.name} was seen on {other.host} {seen:.0f} s ago. Set HQ_INSTANCE to a"
                f" name of its own; or, if you have just stopped that one, wait {ALIVE.total_seconds():.0f} s.",
                code="instance_name_taken",
            )
        if role == other.role == Role.PRIMARY:
            raise Refused(
                f"{other.name} on {other.host} is the primary of this database. Start this one with HQ_ROLE=backup.",
                code="second_primary",
            )
    see_instance(house=house, role=role, moment=moment)


def _living_others(house: House, wall: datetime) -> list[Instance]:
    rows = Instance.objects.select_for_update().order_by("name").exclude(house=house.key)
    return [row for row in rows if wall - row.seen_at <= ALIVE]
