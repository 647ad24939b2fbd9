"""Open and close the causes that restrict trading: the whole house's (no account), or one account's."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id
from apps.foundation.outbox import record_events
from apps.trading.domain.risk.cause_kinds import DAILY_LOSS, DRAWDOWN, OPERATOR_STOP
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.models import StateCause
from apps.trading.operations.orders.announce_changes import system_event

__all__ = ["DAILY_LOSS", "DRAWDOWN", "OPERATOR_STOP", "close_causes", "open_cause"]


def open_cause(
    *,
    kind: str,
    state: TradingState,
    latched: bool,
    author: str,
    reason: str,
    moment: Moment,
    facts: dict[str, Any] | None = None,
    account: str = "",
) -> bool:
    """Open a cause inside the running transaction; False when one of this kind is open already for the account."""
    cause_id: UUID = new_id()
    StateCause.objects.bulk_create(
        [
            StateCause(
                id=cause_id,
                kind=kind,
                account=account,
                state=state,
                latched=latched,
                author=author,
                reason=reason,
                facts=facts or {},
                opened_wall=moment.wall,
                opened_firm=moment.firm,
            )
        ],
        ignore_conflicts=True,
    )
    if not StateCause.objects.filter(pk=cause_id).exists():
        return False
    record_events([system_event()])
    audit.append(
        chain=audit.OPERATIONS,
        action="trading.restricted",
        actor=author,
        subject=f"cause:{cause_id}",
        payload={
            "kind": kind,
            "account": account,
            "state": str(state),
            "latched": latched,
            "reason": reason,
            "facts": facts or {},
        },
        moment=moment,
    )
    return True


def close_causes(
    *, kinds: Iterable[str], actor: str, reason: str, moment: Moment, account: str | None = None
) -> list[str]:
    """Close the open causes of these kinds inside the running transaction; the kinds that were open.

    ``account``: only this one's; None closes those of the house and of every account.
    """
    found = StateCause.objects.select_for_update().filter(kind__in=list(kinds), closed_wall__isnull=True)
    rows = list((found if account is None else found.filter(account=account)).order_by("pk"))
    if not rows:
        return []
    StateCause.objects.filter(pk__in=[row.pk for row in rows], closed_wall__isnull=True).update(
        closed_wall=moment.wall, closed_firm=moment.firm, closed_by=actor, close_reason=reason
    )
    record_events([system_event()])
    closed = sorted({row.kind for row in rows})
    audit.append(
        chain=audit.OPERATIONS,
        action="trading.cause_closed",
        actor=actor,
        subject="trading",
        payload={
            "kinds": closed,
            "accounts": sorted({row.account for row in rows if row.account}),
            "reason": reason,
        },
        moment=moment,
    )
    return closed
