"""Decisions and their explanation over REST, mounted under ``trading/``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents import queries
from apps.agents.api import answer_shapes as shapes
from apps.agents.api import request_bodies as bodies
from apps.agents.api.list_filters import DecisionFilter
from apps.agents.models import Decision
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView


class DecisionsView(ListView):
    """What was decided, newest first: orders, denials, and why nothing was traded."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.DecisionShape
    filterset_class = DecisionFilter
    ordering = ("-closed_at", "symbol", "timeframe", "id")
    ordering_fields = ("closed_at", "score")

    def get_queryset(self) -> QuerySet[Decision]:
        return queries.all_decisions()

    def render(self, rows: Sequence[Decision]) -> list[dict[str, Any]]:
        return queries.shown(rows)


class DecisionView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.DecisionShape)
    def get(self, request: Request, decision_id: UUID) -> Response:  # noqa: ARG002
        """One decision with its votes, weights, verdicts and order."""
        return Response(queries.decision_view(decision_id))


class ExplainView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("instrument", "at")

    @extend_schema(parameters=[bodies.ExplainQuery], responses=shapes.ExplanationShape)
    def get(self, request: Request) -> Response:
        """Every vote, gate and reason about one instrument in the bar that was current at ``at``; without it of the
        newest bar that was decided.
        """
        asked = bodies.ExplainQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        return Response(queries.explain(symbol=wanted["instrument"], at=wanted.get("at"), now=self.moment.firm))
