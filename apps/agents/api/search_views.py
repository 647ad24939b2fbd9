"""Searches over REST: ask, list, look, cancel."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents import operations, queries
from apps.agents.api import request_bodies as bodies
from apps.agents.api import research_shapes as shapes
from apps.agents.models import SearchRun
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView


class SearchesView(ListView):
    """Every search that was asked for, newest first."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.SearchLineShape
    filterset_fields = ("state", "requested_by")
    ordering = ("-requested_at",)
    ordering_fields = ("requested_at",)

    def get_queryset(self) -> QuerySet[SearchRun]:
        return queries.all_searches()

    def render(self, rows: Sequence[SearchRun]) -> list[dict[str, Any]]:
        return queries.search_lines(rows)

    @extend_schema(request=bodies.SearchRequest, responses={202: shapes.SearchLineShape})
    def post(self, request: Request) -> Response:
        """Ask for better parameters of a strategy, by walk-forward; research workers compute its folds side by side."""
        given = bodies.SearchRequest.checked(request.data)
        line = operations.request_search(**given, actor=self.actor, moment=self.moment)
        return Response(line, status=status.HTTP_202_ACCEPTED)


class SearchView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.SearchShape)
    def get(self, request: Request, search_id: UUID) -> Response:  # noqa: ARG002
        """One search: how far its folds are, and once it is done its report, out of sample beside in sample."""
        return Response(queries.search_view(search_id))


class CancelSearchView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=None, responses=shapes.SearchLineShape)
    def post(self, request: Request, search_id: UUID) -> Response:  # noqa: ARG002
        """End a search that waits or runs; what it tried stays stored."""
        return Response(operations.cancel_search(search_id=search_id, actor=self.actor, moment=self.moment))
