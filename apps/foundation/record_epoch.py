"""The record's epoch: a number that rises with each restore, so that what an earlier life wrote is told apart."""

from apps.foundation.clock import Moment
from apps.foundation.models import RecordEpoch
from apps.foundation.models.record_epoch import ONLY


def current_epoch() -> int:
    """The epoch that audit entries carry now; 0 in a record that was never restored."""
    return RecordEpoch.objects.values_list("epoch", flat=True).get(pk=ONLY)


def begin_epoch(*, reason: str, moment: Moment) -> int:
    """Raise the epoch within the running transaction; the new one.

    At least the second of the wall clock: a backup knows nothing of the epochs after it, and the clock does.
    """
    row = RecordEpoch.objects.select_for_update().get(pk=ONLY)
    row.epoch = max(row.epoch + 1, int(moment.wall.timestamp()))
    row.raised_wall, row.reason = moment.wall, reason[:200]
    row.save()
    return row.epoch
