"""Cursor pages ``{next, previous, results}``. What can't be read in the query is refused, never defaulted.

A page starts after a row, named by all its ordering values and its key, so that rows which share a value (many rows are
written in one transaction, at one time) are neither lost nor repeated, and new rows shift nothing. The framework's own
cursor counts an offset among such rows, which does both.
"""

import base64
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from apps.foundation.errors import Refused

CSV_ROWS = 10_000
LONGEST_CURSOR = 1_000
LIMIT_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Beside which row a page lies: the row's ordering values, and whether the page comes before it."""

    values: tuple[Any, ...]
    before: bool


class CursorPages(CursorPagination):
    """``?limit=`` 1 to 500 (10,000 for CSV) and an opaque ``?cursor=``. Lists order by columns that are never null."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "-pk"

    def get_page_size(self, request: Request) -> int:
        csv = request.accepted_renderer.format == "csv"
        highest = CSV_ROWS if csv else self.max_page_size
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return CSV_ROWS if csv else self.page_size
        digits = raw.isascii() and raw.isdigit() and len(raw) <= LIMIT_DIGITS
        if not digits or not 1 <= int(raw) <= highest:
            message = f"limit must be a whole number from 1 to {highest}, was {raw[:40]!r}."
            raise Refused(message, code="invalid_limit", field="limit")
        return int(raw)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        key = queryset.model._meta.pk.name  # noqa: SLF001
        if any(name.lstrip("-") in {"pk", key} for name in ordering):
            return ordering
        return (*ordering, "-pk" if ordering[0].startswith("-") else "pk")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = self.get_page_size(request)
        self.address = request.build_absolute_uri()
        self.order = self.get_ordering(request, queryset, view)
        place = self._place(request, queryset.model)
        backwards = place is not None and place.before
        wanted = tuple(_turned(name) for name in self.order) if backwards else self.order
        found = queryset.order_by(*wanted)
        if place is not None:
            found = found.filter(_after(wanted, place.values))
        rows = list(found[: size + 1])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        self.page = rows
        self.has_next = more or backwards
        self.has_previous = more if backwards else place is not None
        return rows

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1], before=False) if self.has_next and self.page else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[0], before=True) if self.has_previous and self.page else None

    def get_paginated_response(self, data: Any) -> Response:
        following = self.get_next_link()
        answer = Response(whole_page(data) | {"next": following, "previous": self.get_previous_link()})
        if following:
            answer["Link"] = f'<{following}>; rel="next"'
        return answer

    def _link(self, row: Model, *, before: bool) -> str:
        values = [getattr(row, name.lstrip("-")) for name in self.order]
        raw = orjson.dumps([",".join(self.order), before, *values], default=str)
        return replace_query_param(self.address, "cursor", base64.urlsafe_b64encode(raw).decode())

    def _place(self, request: Request, model: type[Model]) -> Place | None:
        raw = request.query_params.get(self.cursor_query_param)
        if raw is None:
            return None
        try:
            return _read(raw, self.order, model)
        except (ValueError, TypeError, ValidationError):
            message = "This cursor is not one this list gave out in this order. Start again without cursor."
            raise Refused(message, code="invalid_cursor", field="cursor") from None


def whole_page(results: list[Any]) -> dict[str, Any]:
    """A list that fits into one page, in the shape of every list."""
    return {"next": None, "previous": None, "results": results}


def _read(raw: str, ordering: tuple[str, ...], model: type[Model]) -> Place:
    if len(raw) > LONGEST_CURSOR:
        raise ValueError(raw)
    order, before, *given = orjson.loads(base64.urlsafe_b64decode(raw.encode("ascii")))
    if order != ",".join(ordering) or len(given) != len(ordering) or type(before) is not bool:
        raise ValueError(raw)
    return Place(tuple(_value(model, name, value) for name, value in zip(ordering, given, strict=True)), before)


def _value(model: type[Model], name: str, value: Any) -> Any:
    meta = model._meta  # noqa: SLF001
    plain = name.lstrip("-")
    field: Any = meta.pk if plain == "pk" else meta.get_field(plain)
    read = field.to_python(value)
    if read is None or "\0" in str(value):
        raise ValueError(value)
    field.run_validators(read)  # also refuses a number that its column can't hold
    return read


def _after(ordering: tuple[str, ...], values: tuple[Any, ...]) -> Q:
    """Rows beyond ``values`` in that order: further by the first column, or equal by it and further by the next, ..."""
    beyond, equal = Q(), Q()
    for name, value in zip(ordering, values, strict=True):
        column = name.lstrip("-")
        step = Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        beyond |= equal & step
        equal &= Q(**{column: value})
    first = ordering[0].lstrip("-")
    edge = Q(**{f"{first}__{'lte' if ordering[0].startswith('-') else 'gte'}": values[0]})  # lets an index start there
    return edge & beyond


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
