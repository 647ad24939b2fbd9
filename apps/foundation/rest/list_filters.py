"""Filters and ordering of lists. An unknown parameter is refused: a mistyped filter must not return everything."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from apps.foundation.errors import Refused

ALWAYS = frozenset({"limit", "cursor", "ordering", "format"})


class KnownParameters(DjangoFilterBackend):
    """django-filter, plus: a parameter which is neither a filter nor one of ``view.query_parameters`` is refused."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = (
            ALWAYS
            | set(filterset.base_filters if filterset else ())
            | set(getattr(view, "query_parameters", None) or ())
        )
        refuse_unknown(request, known)
        return super().filter_queryset(request, queryset, view)

    def get_filterset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        """The filters, whose refusals name what could be chosen."""
        filterset = super().get_filterset(request, queryset, view)
        for field in filterset.form.fields.values() if filterset is not None else ():
            if choices := [str(value) for value, _ in getattr(field, "choices", ()) if value]:
                field.error_messages["invalid_choice"] = f"%(value)s is none of {', '.join(choices)}."
        return filterset


class KnownOrdering(OrderingFilter):
    """``?ordering=field`` or ``-field`` among ``view.ordering_fields``; another name is refused."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Iterable[str], view: Any, request: Request
    ) -> list[str]:
        valid = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        for field in fields:
            if field.lstrip("-") not in valid:
                raise Refused(
                    f"This list orders by {', '.join(valid) or 'nothing'}; was {field[:40]!r}.",
                    code="unknown_ordering",
                    field="ordering",
                )
        return list(fields)


def refuse_unknown(request: Request, known: frozenset[str] | set[str]) -> None:
    """Raise ``Refused`` (code ``unknown_parameter``) for a query parameter outside ``known``."""
    for name in request.query_params:
        if name not in known:
            raise Refused(
                f"{name[:40]!r} is no parameter here. Known: {', '.join(sorted(known))}.",
                code="unknown_parameter",
                field=name[:40],
            )
