"""One correlation id from bar to fill: bound to the context, written into every log line, event and task message."""

from types import TracebackType
from typing import Any, Self

from structlog.contextvars import bind_contextvars, get_contextvars, reset_contextvars

HEADER = "hq_correlation_id"


class Bound:
    """What ``bind`` returns: use it in a ``with`` statement to restore what was bound before."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._tokens = bind_contextvars(**values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        reset_contextvars(**self._tokens)


def bind(**values: Any) -> Bound:
    """Put ``values`` on every later log line of this context, at once; used in ``with``, the end takes them back."""
    return Bound({name: str(value) for name, value in values.items() if value is not None})


def current_correlation_id() -> str | None:
    """The correlation id of this context, if one is bound."""
    return get_contextvars().get("correlation_id")


def carry_through_celery() -> None:
    """Send the correlation id with every task message and bind it while the task runs. Call once a process."""
    from celery.signals import before_task_publish, task_postrun, task_prerun

    before_task_publish.connect(_add_header, weak=False, dispatch_uid="hq.correlation.publish")
    task_prerun.connect(_bind_task, weak=False, dispatch_uid="hq.correlation.prerun")
    task_postrun.connect(_unbind_task, weak=False, dispatch_uid="hq.correlation.postrun")


def _add_header(headers: dict[str, Any] | None = None, **_: Any) -> None:
    correlation_id = current_correlation_id()
    if headers is not None and correlation_id:
        headers.setdefault(HEADER, correlation_id)


def _bind_task(task: Any = None, **_: Any) -> None:
    correlation_id = getattr(task.request, HEADER, None)
    values = {"task": task.name} | ({"correlation_id": correlation_id} if correlation_id else {})
    task.request.hq_bound = bind(**values)


def _unbind_task(task: Any = None, **_: Any) -> None:
    bound = getattr(task.request, "hq_bound", None)
    if bound is not None:
        bound.__exit__(None, None, None)
