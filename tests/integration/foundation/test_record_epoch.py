"""The record's epoch: it rises with each restore, never falls, and stands under every audit entry."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from apps.foundation import audit
from apps.foundation.clock import Moment, wall_now
from apps.foundation.models import AuditEntry, RecordEpoch
from apps.foundation.record_epoch import begin_epoch, current_epoch

pytestmark = pytest.mark.django_db
NOW = Moment(wall_now(), wall_now())


def append(**given):
    audit.append(chain="operations", action="halt", actor="anna", subject="firm", payload={}, moment=NOW, **given)
    return AuditEntry.objects.get(chain="operations", seq=AuditEntry.objects.count()).epoch


def test_a_record_that_was_never_restored_has_epoch_0():
    assert (current_epoch(), append()) == (0, 0)


def test_each_restore_begins_a_higher_one_which_every_entry_carries():
    first = begin_epoch(reason="Restored from a", moment=NOW)
    again = begin_epoch(reason="Restored from b", moment=NOW)
    assert first == int(NOW.wall.timestamp())
    assert again == first + 1
    assert current_epoch() == append() == again
    assert append(epoch=again + 5) == again + 5
    assert audit.verify().ok


def test_an_older_backup_restored_later_still_gets_a_higher_epoch():
    lived = begin_epoch(reason="Restored from a", moment=NOW)
    RecordEpoch.objects.filter(epoch=lived).update(epoch=lived + 3)  # what came after it
    later = Moment(NOW.wall + timedelta(minutes=1), NOW.firm)
    assert begin_epoch(reason="Restored from b", moment=later) > lived + 3


@pytest.mark.parametrize("change", [lambda row: row.update(epoch=4), lambda row: row.delete()])
def test_nobody_lowers_or_deletes_it(change):
    RecordEpoch.objects.update(epoch=5)
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        change(RecordEpoch.objects.all())
    assert current_epoch() == 5
