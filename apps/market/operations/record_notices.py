"""Keep what the sources' cleaning found wrong, so that a person can see what was repaired and what was refused."""

from datetime import datetime

import structlog
from prometheus_client import Counter

from apps.market import ports
from apps.market.models import DataNotice, Instrument
from apps.market.operations.take_split import new_splits, take_split

NOTICES = Counter("hq_market_data_notices_total", "Wrong rows of a source.", ["source", "kind", "repaired"])
log = structlog.get_logger(__name__)


def record_notices(*, wall: datetime) -> int:
    """Store what the sources have told since the last call, each finding once; how many were told."""
    told = ports.adapters().notices()
    if not told:
        return 0
    known = set(Instrument.objects.filter(symbol__in={one.symbol for one in told}).values_list("symbol", flat=True))
    rows = [
        DataNotice(
            instrument_id=one.symbol,
            source=one.source,
            timeframe=one.timeframe,
            open_at=one.notice.open_at,
            kind=one.notice.kind,
            repaired=one.notice.repaired,
            detail=one.notice.detail,
            found_at=wall,
        )
        for one in told
        if one.symbol in known
    ]
    for split in new_splits([one for one in told if one.symbol in known], wall):
        take_split(split, wall=wall)
    DataNotice.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:
        NOTICES.labels(source=row.source, kind=row.kind, repaired=str(row.repaired).lower()).inc()
    if rows:
        log.warning("data_notices", count=len(rows), first=rows[0].detail, instrument=rows[0].instrument_id)
    return len(told)
