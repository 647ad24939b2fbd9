"""Where each agent's vote stream was read up to."""

from uuid import UUID

from apps.agents.models import DesiredState, VoteCursor


def vote_cursors() -> dict[UUID, str]:
    """The last entry read of each agent that is not destroyed; ``0-0`` before the first."""
    rows = VoteCursor.objects.exclude(agent__desired_state=DesiredState.DESTROYED)
    return {row.agent_id: row.entry_id for row in rows}
