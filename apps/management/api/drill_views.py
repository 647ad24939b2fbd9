"""Drills of the running practice firm over REST."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.management import operations, queries
from apps.management.api import answer_shapes as shapes
from apps.management.models import DrillRun


class DrillsView(ListView):
    """The drills that were played on this firm, newest first."""

    roles = {"GET": Role.VIEWER, "POST": Role.ADMIN}
    serializer_class = shapes.DrillShape
    filterset_fields = ("state", "scenario")
    ordering = ("-requested_at",)
    ordering_fields = ("requested_at",)

    def get_queryset(self) -> QuerySet[DrillRun]:
        return DrillRun.objects.all()

    def render(self, rows: Sequence[DrillRun]) -> list[dict[str, Any]]:
        return [queries.drill_view(row) for row in rows]

    @extend_schema(request=shapes.DrillRequest, responses={201: shapes.DrillShape})
    def post(self, request: Request) -> Response:
        """Break the practice firm's exchange on purpose and watch it recover. Refused where the exchange is real."""
        given = shapes.DrillRequest.checked(request.data)
        view = operations.request_drill(**given, actor=self.actor, moment=self.moment)
        return Response(view, status=status.HTTP_201_CREATED)


class DrillView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.DrillShape)
    def get(self, request: Request, run_id: UUID) -> Response:  # noqa: ARG002
        """One drill with its steps so far."""
        return Response(queries.drill_view(get_object_or_404(DrillRun, pk=run_id)))


class DrillChoicesView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.DrillChoicesShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Which drills there are, and why none can be played now, if so."""
        return Response(queries.drill_choices())
