"""A split took effect while the house was running: nothing trusts the new price until a person has looked."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from apps.foundation import after_commit, audit, outbox
from apps.foundation.clock import Moment
from apps.market.models import DataNotice, Instrument, MarketClock, StoredCandle
from apps.market.ports import SourceNotice

ANNOUNCED = "split_announced"
ACTOR = "market"
_RECENT = timedelta(days=5)
log = structlog.get_logger(__name__)


def new_splits(told: list[SourceNotice], wall: datetime) -> list[SourceNotice]:
    """Of what the sources told, the splits that took effect lately, after this market was started, and are new here."""
    started = MarketClock.objects.values_list("started_at", flat=True).first()
    found: dict[str, SourceNotice] = {}
    for one in told:
        at = one.notice.open_at
        if one.notice.kind == ANNOUNCED and started is not None and started < at and wall - at < _RECENT:
            known = DataNotice.objects.filter(instrument=one.symbol, kind=ANNOUNCED, open_at__date=at.date())
            if not known.exists():
                found.setdefault(one.symbol, one)
    return list(found.values())


@transaction.atomic
def take_split(one: SourceNotice, *, wall: datetime) -> None:
    """Mark the instrument, pause it, and fetch its history anew, since the stored bars count in old shares.

    Its price counts as stale from now on: no new risk is taken, and no stop that is in old prices fires. A person
    closes or corrects what is held and lifts the pause.
    """
    note = (
        f"A split took effect on {one.notice.open_at:%Y-%m-%d}: {one.notice.detail} What is held is still counted in "
        "old shares and its stop stands at an old price. Correct or close it, then lift the pause."
    )
    row = Instrument.objects.select_for_update().get(symbol=one.symbol)
    Instrument.objects.filter(pk=row.pk).update(
        split_note=note,
        paused_reason=Coalesce(F("paused_reason"), Value(note)),
        paused_by=Coalesce(F("paused_by"), Value(ACTOR)),
        paused_at=Coalesce(F("paused_at"), Value(wall)),
    )
    StoredCandle.objects.filter(instrument=row, open_at__lt=one.notice.open_at).delete()
    after_commit.enqueue("workers.market.plan_backfills", queue="market", expires=60)
    outbox.record_event(kind="system.changed", aggregate="market", payload={})
    detail = {"source": one.source, "detail": one.notice.detail}
    outbox.record_event(
        kind="incident.wanted",
        aggregate=one.symbol,
        payload={"kind": "stock_split", "subject": one.symbol, "detail": note},
    )
    audit.append(
        chain="operations",
        action="instrument.split",
        actor=ACTOR,
        subject=one.symbol,
        payload=detail,
        moment=Moment(wall=wall, firm=wall),
    )
    log.warning("split_took_effect", instrument=one.symbol, **detail)
