"""The kinds of work that a research worker takes, in the order in which it takes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.agents.models import BacktestRun, ClaimedWork, SearchFold
from apps.agents.operations.research.settle_search import follow_fold
from apps.agents.operations.research.tell_research import show_backtest, show_fold, tell_backtest_changed


@dataclass(frozen=True, slots=True)
class WorkKind:
    """``changed`` is called in the transaction that changed the state of a row of ``model``; ``show`` tells of its
    progress at once, outside any.
    """

    name: str
    model: type[ClaimedWork]
    changed: Callable[[Any], None]
    show: Callable[[UUID, datetime], None]


BACKTEST = WorkKind("backtest", BacktestRun, tell_backtest_changed, show_backtest)
FOLD = WorkKind("fold", SearchFold, follow_fold, show_fold)
KINDS = {kind.name: kind for kind in (BACKTEST, FOLD)}
