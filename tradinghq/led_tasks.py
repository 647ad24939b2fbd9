"""Tasks are done by the house that leads; another one that is asked leaves them alone."""

from typing import Any

import structlog
from celery import Task

from apps.foundation.lease_memory import looks, standing_by

log = structlog.get_logger(__name__)


class LedTask(Task):
    """The class of every task. Called by hand it just runs; in a worker it asks first who leads."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        if standing_by():
            looks.forget()  # it may be us since a moment: the next message may be long in coming
            reason = standing_by()
            if reason:
                log.debug("task_left_alone", task=self.name, reason=reason)
                return None
        return self.run(*args, **kwargs)
