"""Count against an agent what was wrong with its messages, within the running transaction."""

from uuid import UUID

import structlog
from django.db.models import F

from apps.agents.domain.vote_checks import RefusedVoteError
from apps.agents.models import VoteRefusal
from apps.foundation.clock import Moment

log = structlog.get_logger(__name__)


def count_refusal(agent_id: UUID, refusal: RefusedVoteError, moment: Moment, *, messages: int = 1) -> None:
    """One row an agent, code and hour, so that nonsense costs one UPDATE and no space; the detail of the last stays."""
    hour = moment.wall.replace(minute=0, second=0, microsecond=0)
    row, new = VoteRefusal.objects.get_or_create(
        agent_id=agent_id,
        code=refusal.code,
        hour=hour,
        defaults={
            "count": messages,
            "detail": refusal.detail,
            "first_at": moment.wall,
            "last_at": moment.wall,
        },
    )
    if new:
        log.warning("vote_refused", agent_id=str(agent_id), code=refusal.code, reason=refusal.detail)
    else:
        VoteRefusal.objects.filter(pk=row.pk).update(
            count=F("count") + messages, detail=refusal.detail, last_at=moment.wall
        )
