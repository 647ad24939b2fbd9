"""Cursor pages ``{next, previous, results}``. What can't be read in the query is refused, never defaulted."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound as FrameworkNotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.errors import Refused

CSV_ROWS = 10_000


class CursorPages(CursorPagination):
    """``?limit=`` 1 to 500 (10,000 for CSV) and an opaque ``?cursor=``. Lists order by columns that are never null."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "-pk"
    offset_cutoff = None  # it would repeat rows once more than that many share a value

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        if any(name.lstrip("-") in {"pk", "id"} for name in ordering):
            return ordering
        return (*ordering, "-pk" if ordering[0].startswith("-") else "pk")

    def get_page_size(self, request: Request) -> int:
        csv = request.accepted_renderer.format == "csv"
        highest = CSV_ROWS if csv else self.max_page_size
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return CSV_ROWS if csv else self.page_size
        if not raw.isascii() or not raw.isdigit() or not 1 <= len(raw) <= 6 or not 1 <= int(raw) <= highest:  # noqa: PLR2004
            raise Refused(
                f"limit must be a whole number from 1 to {highest}, was {raw[:40]!r}.",
                code="invalid_limit",
                field="limit",
            )
        return int(raw)

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (FrameworkNotFound, ValidationError, ValueError, TypeError, DataError):
            if request.query_params.get(self.cursor_query_param) is None:
                raise
            raise Refused(
                "This cursor is not one this list gave out. Start again without cursor.",
                code="invalid_cursor",
                field="cursor",
            ) from None

    def get_paginated_response(self, data: Any) -> Response:
        answer = Response(whole_page(data) | {"next": self.get_next_link(), "previous": self.get_previous_link()})
        if answer.data["next"]:
            answer["Link"] = f'<{answer.data["next"]}>; rel="next"'
        return answer


def whole_page(results: list[Any]) -> dict[str, Any]:
    """A list that fits into one page, in the shape of every list."""
    return {"next": None, "previous": None, "results": results}
