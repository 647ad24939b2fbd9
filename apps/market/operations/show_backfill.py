"""Telling the screens how far a backfill is. Nothing here is needed for its candles."""

from uuid import UUID

from apps.foundation import after_commit, live_updates
from apps.foundation.clock import Moment
from apps.market.models import Backfill
from apps.market.queries.views import backfill_view


def show_backfill(backfill_id: UUID, moment: Moment) -> None:
    """Publish the row as it stands once this transaction has committed, at once outside one; without a promise, as a
    frame that is lost is followed by the next page's.
    """
    after_commit.run(lambda: _publish(backfill_id, moment))


def _publish(backfill_id: UUID, moment: Moment) -> None:
    row = Backfill.objects.get(pk=backfill_id)
    live_updates.publish(channel="backfills", kind="delta", data=backfill_view(row), as_of=moment.wall)
