"""Cancel a backtest that waits or runs; its worker notices with its next beat."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import UNDER_WAY, BacktestRun, RunState
from apps.agents.operations.research.tell_research import tell_backtest_changed
from apps.agents.queries.backtest_views import backtest_line, found_backtest
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict


@transaction.atomic
def cancel_backtest(*, run_id: UUID, actor: str, moment: Moment) -> dict[str, Any]:
    """The canceled run's line. Raises ``NotFound``, and ``Conflict`` (``already_ended``) where it has ended."""
    canceled = BacktestRun.objects.filter(pk=run_id, state__in=UNDER_WAY).update(
        state=RunState.CANCELED, claim=None, ended_at=moment.wall, step="", problem=f"Canceled by {actor}."
    )
    row = found_backtest(run_id)
    if not canceled:
        raise Conflict(f"This backtest is {row.state} already.", code="already_ended")
    tell_backtest_changed(row)
    return backtest_line(row)
