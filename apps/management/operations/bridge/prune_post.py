"""Forget old messages of the bridge: those that peers have taken, and those of peers that were taken here."""

from datetime import datetime

from django.db import transaction

from apps.management.domain.bridge_envelope import Kind
from apps.management.models import OutgoingEnvelope, TakenEnvelope
from apps.management.operations.bridge.write_post import cause_of_halt
from apps.trading import queries as trading
from apps.trading.domain.risk.cause_kinds import OPERATOR_STOP


@transaction.atomic
def prune_post(*, before: datetime) -> int:
    """Delete what was taken before ``before`` (wall), there or here; how many. Numbers are never taken again: they
    stand on the links. What waits for a receipt stays, and so does the telling of a stop that is still in force.
    """
    in_force = [cause["id"] for cause in trading.state_view(history=0)["causes"] if cause["kind"] == OPERATOR_STOP]
    told = OutgoingEnvelope.objects.filter(taken_at__lt=before)
    told = told.exclude(kind=Kind.HALT, cause__in=[cause_of_halt(cause) for cause in in_force])
    return told.delete()[0] + TakenEnvelope.objects.filter(taken_at__lt=before).delete()[0]
