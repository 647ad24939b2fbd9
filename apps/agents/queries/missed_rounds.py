"""Which agents were asked and did not answer, and over what time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.agents.models import VoteCursor


@dataclass(frozen=True, slots=True)
class MissedRounds:
    """Wall time of the first and the last of the rounds that an agent missed in a row."""

    since: datetime
    until: datetime


def missed_rounds(agent_ids: Iterable[UUID]) -> dict[UUID, MissedRounds]:
    """What these agents missed since their last answer; one that answered the last round is left out."""
    rows = VoteCursor.objects.filter(agent_id__in=list(agent_ids), silent_since__isnull=False, missed_at__isnull=False)
    return {
        agent_id: MissedRounds(since, until)
        for agent_id, since, until in rows.values_list("agent_id", "silent_since", "missed_at")
        if since is not None and until is not None
    }
