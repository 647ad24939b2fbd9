"""Take in how a venue answered: its rung on the ladder, its clock, and the cause that follows from either."""

from datetime import timedelta

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.outbox import record_events
from apps.trading.domain.risk.cause_kinds import CLOCK_SKEW, VENUE_HEALTH
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.domain.risk.venue_ladder import GOOD, MEANING, Rung, Standing, after_answer, rung_state
from apps.trading.models import VenueHealth
from apps.trading.operations.orders.announce_changes import system_event
from apps.trading.operations.risk.state_causes import close_causes, open_cause
from apps.trading.queries.risk_limits import current_limits

WATCH = "venue watch"


@transaction.atomic
def record_venue_answer(*, account: str, ok: bool, kind: str, latency_ms: float, moment: Moment) -> Rung:
    """The rung after one more answer (``ok`` with kind ok or refused) or failure (``kind`` says which).

    A new rung closes the cause of the last one and opens its own, in the same transaction.
    """
    row = _locked(account, moment)
    before = Standing(Rung(row.rung), row.rung_since, row.strain, row.latency_ms, row.failures_in_row)
    after = after_answer(before, ok=ok, kind=kind, latency_ms=latency_ms, at=moment.wall)
    row.rung, row.rung_since, row.strain = after.rung, after.since, after.strain
    row.latency_ms, row.failures_in_row = after.latency_ms, after.failures_in_row
    row.answers += 1
    if ok and kind in GOOD:
        row.last_ok_wall = moment.wall
    else:
        row.failures += 1
        row.last_failure_wall, row.last_failure_kind = moment.wall, kind[:40]
    if after.rung != before.rung:
        _move(row, before.rung, moment)
    row.save()
    return after.rung


@transaction.atomic
def record_clock_offset(*, account: str, offset: timedelta, moment: Moment) -> None:
    """Keep a reading of the venue's clock (ours minus the venue's); beyond the limit it restricts the account.

    Hysteresis: the cause closes at half of the limit.
    """
    row = _locked(account, moment)
    row.clock_offset_ms = round(offset.total_seconds() * 1000)
    row.clock_wall = moment.wall
    row.save(update_fields=["clock_offset_ms", "clock_wall"])
    limit, off = current_limits().max_clock_skew_ms, abs(row.clock_offset_ms)
    if off > limit:
        reason = f"Our clock and that of {account} differ by {off} ms, the limit is {limit} ms; set our clock."
        open_cause(
            kind=CLOCK_SKEW,
            account=account,
            state=TradingState.REDUCING,
            latched=False,
            author=WATCH,
            reason=reason,
            moment=moment,
            facts={"clock_offset_ms": row.clock_offset_ms},
        )
    elif off <= limit / 2:
        reason = f"The clocks differ by {off} ms now."
        close_causes(kinds=[CLOCK_SKEW], account=account, actor=WATCH, reason=reason, moment=moment)


def _locked(account: str, moment: Moment) -> VenueHealth:
    VenueHealth.objects.bulk_create([VenueHealth(account=account, rung_since=moment.wall)], ignore_conflicts=True)
    return VenueHealth.objects.select_for_update().get(pk=account)


def _move(row: VenueHealth, before: Rung, moment: Moment) -> None:
    rung = Rung(row.rung)
    words = rung.replace("_", " ")
    if rung == Rung.NORMAL:
        row.reason = ""
    elif row.failures_in_row:
        row.reason = f"{row.failures_in_row} failures in a row, the last was {row.last_failure_kind.replace('_', ' ')}."
    close_causes(
        kinds=[VENUE_HEALTH],
        account=row.account,
        actor=WATCH,
        reason=f"The venue stands at {words} now.",
        moment=moment,
    )
    if rung == Rung.NORMAL:
        record_events([system_event()])
        return
    open_cause(
        kind=VENUE_HEALTH,
        account=row.account,
        state=rung_state(rung),
        latched=False,
        author=WATCH,
        reason=f"{row.account} stands at {words}. {row.reason} {MEANING[rung]}".replace("  ", " "),
        moment=moment,
        facts={"rung": rung, "before": before, "strain": round(row.strain, 2), "kind": row.last_failure_kind},
    )
