"""The trading state and why it is what it is."""

from dataclasses import dataclass
from typing import Any

from apps.trading.domain.trading_state import OpenCause, TradingState, worst
from apps.trading.models import StateCause
from apps.trading.queries.time_text import utc_text


@dataclass(frozen=True, slots=True)
class TradingStateView:
    """``state`` is the worst of ``causes``."""

    state: TradingState
    causes: tuple[OpenCause, ...]


def trading_state() -> TradingStateView:
    """The state from all open causes."""
    causes = tuple(
        OpenCause(row.kind, TradingState(row.state), row.reason, row.latched)
        for row in StateCause.objects.filter(closed_wall__isnull=True).order_by("opened_wall", "id")
    )
    return TradingStateView(worst(cause.state for cause in causes), causes)


def cause_view(row: StateCause) -> dict[str, Any]:
    """One cause, open or closed."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "state": row.state,
        "latched": row.latched,
        "author": row.author,
        "reason": row.reason,
        "facts": row.facts,
        "opened_at": utc_text(row.opened_wall),
        "opened_firm_at": utc_text(row.opened_firm),
        "closed_at": utc_text(row.closed_wall),
        "closed_by": row.closed_by,
        "close_reason": row.close_reason,
    }


def state_view(history: int = 20) -> dict[str, Any]:
    """The state, its open causes and the latest closed ones."""
    causes = list(StateCause.objects.filter(closed_wall__isnull=True).order_by("opened_wall", "id"))
    closed = StateCause.objects.filter(closed_wall__isnull=False).order_by("-closed_wall", "-id")[:history]
    return {
        "state": worst(row.state for row in causes),
        "causes": [cause_view(row) for row in causes],
        "history": [cause_view(row) for row in closed],
    }
