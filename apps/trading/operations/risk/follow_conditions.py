"""Causes that clear themselves: opened when a condition sets in, closed once it has been over for a while.

Hysteresis in value (a cap is left at half of it) and in time (``WELL_FOR`` on the firm clock, so that a replayed run
makes the same orders). The venue's health and clock are followed where its answers come in.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.cause_kinds import STALE_DATA, UNKNOWN_CAP, WELL_FOR
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.stale_data import Sight, stale_data
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.models import Order, StateCause
from apps.trading.operations.risk.state_causes import close_causes, open_cause

MONITOR = "risk monitor"


@dataclass(frozen=True, slots=True)
class Condition:
    """``bad`` opens the cause, ``well`` lets it close after a while; in between it stays as it is."""

    kind: str
    account: str
    bad: bool
    well: bool
    reason: str
    facts: dict[str, Any]


def follow_conditions(*, sight: Sight, limits: LimitValues, moment: Moment) -> list[str]:
    """Look at every self-clearing condition once; the kinds that were opened."""
    causes = StateCause.objects.filter(kind__in=[UNKNOWN_CAP, STALE_DATA], closed_wall__isnull=True)
    standing = {(row.kind, row.account): row for row in causes}
    conditions = [*_unknown_caps(standing, limits.max_unknown_orders), _stale_data(sight)]
    return [
        condition.kind
        for condition in conditions
        if _follow(condition, standing.get((condition.kind, condition.account)), moment)
    ]


def _follow(condition: Condition, standing: StateCause | None, moment: Moment) -> bool:
    if standing is None:
        return condition.bad and _open(condition, moment)
    since: datetime | None = standing.well_since if condition.well else None
    if condition.well and since is None:
        since = moment.firm
    if since != standing.well_since:
        StateCause.objects.filter(pk=standing.pk, closed_wall__isnull=True).update(well_since=since)
    if since is not None and moment.firm - since >= WELL_FOR:
        _close(condition, moment)
    return False


@transaction.atomic
def _open(condition: Condition, moment: Moment) -> bool:
    return open_cause(
        kind=condition.kind,
        account=condition.account,
        state=TradingState.REDUCING,
        latched=False,
        author=MONITOR,
        reason=condition.reason,
        moment=moment,
        facts=condition.facts,
    )


@transaction.atomic
def _close(condition: Condition, moment: Moment) -> None:
    close_causes(
        kinds=[condition.kind], account=condition.account, actor=MONITOR, reason=condition.reason, moment=moment
    )


def _unknown_caps(standing: dict[tuple[str, str], StateCause], limit: int) -> list[Condition]:
    """One of each account that has orders with an unknown outcome, or a cause because of them."""
    unknown = Order.objects.filter(state=OrderState.UNKNOWN).values_list("account_id").annotate(orders=Count("pk"))
    counted = dict(unknown.order_by())
    accounts = counted.keys() | {account for kind, account in standing if kind == UNKNOWN_CAP}
    return [
        Condition(
            kind=UNKNOWN_CAP,
            account=account,
            bad=(count := counted.get(account, 0)) > limit,
            well=count <= limit // 2,
            reason=f"{count} orders of {account} have an unknown outcome, the cap is {limit}.",
            facts={"unknown": count, "limit": limit},
        )
        for account in sorted(accounts)
    ]


def _stale_data(sight: Sight) -> Condition:
    found = stale_data(sight)
    return Condition(
        kind=STALE_DATA,
        account="",
        bad=found.bad,
        well=found.well,
        reason=found.reason,
        facts={"stale": sorted(found.stale), "held": sorted(sight.held)},
    )
