"""Doors for those who find that something is wrong: the cause is latched, and a person with role risk ends it."""

from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.risk.cause_kinds import FAILED_INVARIANT, FOREIGN_TRADE, RESTORED
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.operations.reconciliation.reconcile_account import require_reconciliation
from apps.trading.operations.risk.state_causes import open_cause


@transaction.atomic
def latch_failed_invariant(*, what: str, detail: str, moment: Moment) -> bool:
    """Halt the house because the books or the record contradict themselves; False when that halted it already."""
    return open_cause(
        kind=FAILED_INVARIANT,
        state=TradingState.HALTED,
        latched=True,
        author=what,
        reason=f"A standing check failed: {detail[:400]}",
        moment=moment,
        facts={"check": what, "detail": detail[:2000]},
    )


@transaction.atomic
def latch_foreign_trade(*, account: str, detail: str, facts: dict[str, Any], moment: Moment) -> bool:
    """Halt an account on which somebody else traded; False when it is halted for that already."""
    return open_cause(
        kind=FOREIGN_TRADE,
        account=account,
        state=TradingState.HALTED,
        latched=True,
        author="reconciliation",
        reason=f"Somebody else traded on {account}: {detail[:400]}",
        moment=moment,
        facts=facts,
    )


@transaction.atomic
def latch_restored(*, detail: str, facts: dict[str, Any], moment: Moment) -> bool:
    """Halt the house because its books come from a backup, and owe every account a comparison with its venue.

    False when that halted it already; the comparisons are owed anew all the same.
    """
    require_reconciliation(moment=moment)
    return open_cause(
        kind=RESTORED,
        state=TradingState.HALTED,
        latched=True,
        author="restore",
        reason=detail[:400],
        moment=moment,
        facts=facts,
    )
