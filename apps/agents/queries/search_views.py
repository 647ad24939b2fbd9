"""Stored searches as the API and the screens show them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.agents.models import SearchRun, SearchTrial
from apps.foundation.errors import NotFound
from apps.foundation.time_text import utc_text


def found_search(search_id: UUID) -> SearchRun:
    """The search's row; ``NotFound`` with code ``unknown_search``."""
    row = SearchRun.objects.filter(pk=search_id).first()
    if row is None:
        raise NotFound(f"There is no search {search_id}.", code="unknown_search")
    return row


def search_line(row: SearchRun) -> dict[str, Any]:
    """One search as a row of the list and as a live frame; ``headline`` only of a finished one."""
    return {
        "id": str(row.pk),
        "state": row.state,
        "progress": row.progress,
        "step": row.step,
        "problem": row.problem,
        "wish": row.wish,
        "requested_by": row.requested_by,
        "requested_at": utc_text(row.requested_at),
        "started_at": utc_text(row.started_at),
        "ended_at": utc_text(row.ended_at),
        "headline": _headline(row.report) if row.report else None,
    }


def search_line_of(search_id: UUID | str) -> dict[str, Any]:
    """``search_line`` by identifier. Raises ``NotFound``."""
    return search_line(found_search(UUID(str(search_id))))


def search_view(search_id: UUID) -> dict[str, Any]:
    """The whole search: its line, how far each fold is, and its report."""
    row = found_search(search_id)
    folds = [
        {
            "number": fold.number + 1,
            "state": fold.state,
            "trials": fold.trials.count(),
            "tries": fold.tries,
            "problem": fold.problem,
        }
        for fold in row.folds.order_by("number")
    ]
    return search_line(row) | {"folds": folds, "report": row.report or None}


def all_searches() -> QuerySet[SearchRun]:
    """Every search."""
    return SearchRun.objects.all()


def search_lines(rows: Sequence[SearchRun]) -> list[dict[str, Any]]:
    """Several rows of the list."""
    return [search_line(row) for row in rows]


def recent_searches(limit: int) -> list[dict[str, Any]]:
    """The newest searches."""
    return search_lines(list(all_searches().order_by("-requested_at", "-pk")[:limit]))


def trials_done(search_id: UUID) -> int:
    """How many trials of all folds are stored."""
    return SearchTrial.objects.filter(fold__search_id=search_id).count()


def _headline(report: dict[str, Any]) -> dict[str, Any]:
    outside, recommended = report["out_of_sample"] or {}, report["recommended"]
    return {
        "out_of_sample_return": outside.get("total_return"),
        "out_of_sample_sharpe": outside.get("sharpe"),
        "buy_and_hold_return": (report["buy_and_hold"] or {}).get("total_return"),
        "in_sample_return": recommended["in_sample"]["total_return"],
        "overfit_probability": recommended["overfit_probability"],
        "efficiency": report["efficiency"],
        "parameters": recommended["parameters"],
    }
