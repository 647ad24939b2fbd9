"""Tasks are done by the house that leads, periodic ones once in their time; a message beyond that is left alone."""

from datetime import timedelta
from typing import Any

import structlog
from celery import Task
from django_celery_beat.models import PeriodicTask

from apps.foundation.lease_memory import looks, standing_by
from apps.foundation.periodic_runs import begin_run

SENT_BY = "periodic_task_name"  # the header by which beat says which entry of the schedule it sends
log = structlog.get_logger(__name__)


class LedTask(Task):
    """The class of every task. Called by hand it just runs; in a worker it asks first who leads, and whether it is due.

    Two schedulers (of a house that was started twice, or left over from before) and a message that is delivered again
    run a periodic task no more often than one scheduler does.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        reason = self._why_not()
        if reason:
            log.debug("task_left_alone", task=self.name, reason=reason)
            return None
        return self.run(*args, **kwargs)

    def _why_not(self) -> str:
        if standing_by():
            looks.forget()  # it may be us since a moment: the next message may be long in coming
            if reason := standing_by():
                return reason
        entry = (self.request.headers or {}).get(SENT_BY)
        return "it ran a moment ago" if entry and not _is_due(str(entry)) else ""


def _is_due(entry: str) -> bool:
    found = PeriodicTask.objects.select_related("interval").filter(name=entry, interval__isnull=False).first()
    if found is None:  # a person's own entry by the calendar, or one that was deleted meanwhile
        return True
    return begin_run(name=entry, every=timedelta(**{found.interval.period: found.interval.every}))
