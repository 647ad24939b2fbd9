"""Breaks between our books and the venues over REST: the queue, a decision, a comparison out of turn."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.trading import operations, queries
from apps.trading.api import break_shapes as shapes
from apps.trading.api.break_filter import BreakFilter
from apps.trading.models import ReconciliationBreak


class BreaksView(ListView):
    """Where our books and a venue differ, or differed, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.BreakShape
    filterset_class = BreakFilter
    ordering = ("-opened_wall",)
    ordering_fields = ("opened_wall", "kind", "account")

    def get_queryset(self) -> QuerySet[ReconciliationBreak]:
        return queries.all_breaks()

    def render(self, rows: Sequence[ReconciliationBreak]) -> list[dict[str, Any]]:
        return [queries.view_of_break(row) for row in rows]


class BreakView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.BreakShape)
    def get(self, request: Request, break_id: UUID) -> Response:  # noqa: ARG002
        """One break: what differs, since when, what the house did, what may be chosen."""
        return Response(queries.break_view(break_id))


class ResolveBreakView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.ResolveBreakRequest, responses=shapes.BreakShape)
    def post(self, request: Request, break_id: UUID) -> Response:
        """Decide about a break. The choices it offers, each with its consequence, are in its ``choices``."""
        given = shapes.ResolveBreakRequest.checked(request.data)
        answer = operations.resolve_break(
            break_id=break_id,
            choice=given["choice"],
            reason=given["reason"],
            actor=self.actor,
            moment=self.moment,
        )
        return Response(answer)


class ReconcileView(HouseView):
    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    query_parameters = ()

    @extend_schema(responses=shapes.ReconciliationShape)
    def get(self, request: Request, name: str) -> Response:  # noqa: ARG002
        """How far the account's comparison with its venue has come."""
        return Response(queries.reconciliation_view(name))

    @extend_schema(request=None, responses={202: shapes.ReconciliationShape})
    def post(self, request: Request, name: str) -> Response:  # noqa: ARG002
        """Ask the executor to compare the account with its venue now."""
        answer = operations.want_reconciliation(account=name, moment=self.moment)
        return Response(answer, status=status.HTTP_202_ACCEPTED)
