"""The trading state and why it is what it is."""

from dataclasses import dataclass
from typing import Any

from apps.foundation.time_text import utc_text
from apps.trading.domain.risk.cause_kinds import clears_words
from apps.trading.domain.risk.trading_state import OpenCause, TradingState, worst
from apps.trading.models import StateCause


@dataclass(frozen=True, slots=True)
class TradingStateView:
    """``state`` is the worst of ``causes``, the house's and, where one is named, the account's."""

    state: TradingState
    causes: tuple[OpenCause, ...]


def trading_state(account: str | None = None) -> TradingStateView:
    """The state of one account: the worst of the house's causes and its own. Without one: of all there are."""
    rows = StateCause.objects.filter(closed_wall__isnull=True).order_by("opened_wall", "id")
    if account is not None:
        rows = rows.filter(account__in=["", account])
    causes = tuple(OpenCause(row.kind, TradingState(row.state), row.reason, row.latched, row.account) for row in rows)
    return TradingStateView(worst(cause.state for cause in causes), causes)


def cause_view(row: StateCause) -> dict[str, Any]:
    """One cause, open or closed."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "account": row.account,
        "state": row.state,
        "latched": row.latched,
        "clears": clears_words(row.kind, latched=row.latched),
        "author": row.author,
        "reason": row.reason,
        "facts": row.facts,
        "well_since": utc_text(row.well_since),
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
