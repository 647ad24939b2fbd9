"""Events for the screens, written in the transaction of what they tell."""

from uuid import UUID

from apps.foundation.outbox import record_event


def tell_system_changed() -> None:
    """The firm's state as a whole changed: the ``system`` channel gets a new frame."""
    record_event(kind="system.changed", aggregate="system", payload={})


def tell_agent_changed(agent_id: UUID) -> None:
    """An agent's container changed: its card is drawn again."""
    record_event(kind="agent.changed", aggregate=f"agent:{agent_id}", payload={"agent_id": str(agent_id)})
