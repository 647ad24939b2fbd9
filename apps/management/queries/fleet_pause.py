"""Whether the agents are kept down."""

from apps.management.models import FleetState
from apps.management.models.fleet_state import ONLY


def fleet_is_paused() -> bool:
    """Whether an emergency stop keeps the agents' containers down."""
    return FleetState.objects.filter(pk=ONLY, paused=True).exists()
