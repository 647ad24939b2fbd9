"""After another house led: compare every account, find out what it had on its way, and only then add risk again."""

from datetime import timedelta

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.cause_kinds import TAKEOVER
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.models import Account, Order, StateCause
from apps.trading.operations.reconciliation.reconcile_account import require_reconciliation
from apps.trading.operations.risk.state_causes import close_causes, open_cause

AUTHOR = "leadership"
UNPROVEN = (OrderState.SUBMITTING, OrderState.UNKNOWN)


def begin_takeover(*, before: str, leader: str, epoch: int, waits: timedelta, moment: Moment) -> bool:
    """Within the transaction that took the lease: owe every account a comparison and let only risk be reduced.

    ``before``: who led until now; ``waits``: until something may be sent at all. False when an earlier takeover is not
    through yet: it goes on under the new epoch.
    """
    require_reconciliation(moment=moment)
    wait = f" Nothing is sent for {waits.total_seconds():.0f} s, the life of its last request." if waits else ""
    return open_cause(
        kind=TAKEOVER,
        state=TradingState.REDUCING,
        latched=False,
        author=AUTHOR,
        reason=f"{leader} took over from {before}.{wait} Accounts are compared, what was on its way is looked up.",
        moment=moment,
        facts={"before": before, "leader": leader, "epoch": epoch},
    )


def settle_takeover(*, epoch: int, moment: Moment) -> bool:
    """End the takeover's restriction once that is done; True when none is open (any more).

    Done: every enabled account passed a comparison begun in this term, and no order that an earlier term claimed has an
    unproven outcome.
    """
    if not StateCause.objects.filter(kind=TAKEOVER, closed_wall__isnull=True).exists():
        return True
    compared = Account.objects.filter(reconciliation__passed_wall__isnull=False)
    if Account.objects.filter(enabled=True).exclude(pk__in=compared).exists():
        return False
    if Order.objects.filter(state__in=UNPROVEN, epoch__lt=epoch).exists():
        return False
    with transaction.atomic():
        close_causes(
            kinds=[TAKEOVER],
            actor=AUTHOR,
            reason="Every account was compared, and every order of the earlier leader has a proven outcome.",
            moment=moment,
        )
    return True
