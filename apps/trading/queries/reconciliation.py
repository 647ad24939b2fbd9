"""Breaks and the state of each account's reconciliation, as the gate, the screens and the API read them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.foundation.errors import NotFound
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.trading.domain.venues.break_kinds import WHAT_TO_DO, BreakKind, BreakState, options_of
from apps.trading.models import Account, AccountReconciliation, ReconciliationBreak


def reconciled(account: str) -> bool:
    """Whether the account was compared whole since the executor's start; before that only reducing orders are sent."""
    return AccountReconciliation.objects.filter(pk=account, passed_wall__isnull=False).exists()


def symbol_quarantined(account: str, symbol: str) -> str | None:
    """Why no risk may be added there: the oldest open break that says so; None when none does."""
    here = Q(symbol=symbol) | Q(symbol="")
    rows = ReconciliationBreak.objects.filter(here, account_id=account, state=BreakState.OPEN, quarantines=True)
    return rows.order_by("opened_wall", "pk").values_list("detail", flat=True).first()


def all_breaks() -> QuerySet[ReconciliationBreak]:
    """Every break, for lists."""
    return ReconciliationBreak.objects.all()


def break_view(break_id: UUID | str) -> dict[str, Any]:
    """One break. Raises ``NotFound`` (``unknown_break``)."""
    row = ReconciliationBreak.objects.filter(pk=break_id).first()
    if row is None:
        raise NotFound(f"There is no break {break_id}.", code="unknown_break", field="id")
    return view_of_break(row)


def recent_breaks(limit: int) -> list[dict[str, Any]]:
    """The queue: all open breaks, oldest first, then the latest closed ones."""
    waiting = ReconciliationBreak.objects.filter(state=BreakState.OPEN).order_by("opened_wall", "pk")[:limit]
    closed = ReconciliationBreak.objects.exclude(state=BreakState.OPEN).order_by("-closed_wall", "-pk")
    rows = list(waiting)
    return [view_of_break(row) for row in [*rows, *closed[: max(0, limit - len(rows))]]]


def view_of_break(row: ReconciliationBreak) -> dict[str, Any]:
    """One break with what may be chosen."""
    waiting = row.state == BreakState.OPEN
    return {
        "id": str(row.pk),
        "account": row.account_id,
        "kind": row.kind,
        "instrument": row.symbol or None,
        "asset": row.asset or None,
        "amount": plain(row.amount),
        "order_id": str(row.order_id) if row.order_id else None,
        "detail": row.detail,
        "healing": row.healing,
        "what_to_do": WHAT_TO_DO[BreakKind(row.kind)] if waiting else "",
        "choices": [
            {"choice": option.choice.value, "label": option.label, "consequence": option.consequence}
            for option in (options_of(row.kind) if waiting else ())
        ],
        "facts": row.facts,
        "quarantines": row.quarantines and waiting,
        "state": row.state,
        "opened_at": utc_text(row.opened_wall),
        "opened_firm_at": utc_text(row.opened_firm),
        "seen_at": utc_text(row.seen_wall),
        "times_seen": row.times_seen,
        "choice": row.choice,
        "choice_reason": row.choice_reason,
        "choice_by": row.choice_by,
        "choice_at": utc_text(row.choice_wall),
        "cancel_wanted": row.cancel_wanted,
        "closed_at": utc_text(row.closed_wall),
    }


def reconciliation_view(account: str) -> dict[str, Any]:
    """How far an account's comparison has come. Raises ``NotFound`` (``unknown_account``)."""
    if not Account.objects.filter(pk=account).exists():
        raise NotFound(f"There is no account {account}.", code="unknown_account", field="name")
    return reconciliation_views([account])[0]


def reconciliation_views(accounts: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The same of all accounts, or of those named."""
    rows = Account.objects.select_related("reconciliation").order_by("created_wall", "name")
    if accounts is not None:
        rows = rows.filter(pk__in=list(accounts))
    waiting = _open_breaks()
    return [_view(row, waiting.get(row.pk, 0)) for row in rows]


def _open_breaks() -> dict[str, int]:
    names = ReconciliationBreak.objects.filter(state=BreakState.OPEN).values_list("account_id", flat=True)
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _view(account: Account, open_breaks: int) -> dict[str, Any]:
    row = getattr(account, "reconciliation", None)
    return {
        "account": account.pk,
        "reconciled": row is not None and row.passed_wall is not None,
        "required_at": utc_text(row.required_wall) if row else None,
        "passed_at": utc_text(row.passed_wall) if row else None,
        "tried_at": utc_text(row.tried_wall) if row else None,
        "finished_at": utc_text(row.finished_wall) if row else None,
        "failures": row.failures if row else 0,
        "trouble": row.trouble if row else "Not compared yet.",
        "open_breaks": open_breaks,
        "summary": row.summary if row else {},
    }
