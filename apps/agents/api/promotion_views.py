"""Promotions over REST: put an agent on the way, look at its gates, sign off a stage, end it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents import operations, queries
from apps.agents.api import promotion_shapes as shapes
from apps.agents.api import request_bodies as bodies
from apps.agents.api.list_filters import PromotionFilter
from apps.agents.models import Promotion
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView


class PromotionsView(ListView):
    """Every promotion, newest first."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.PromotionShape
    filterset_class = PromotionFilter
    ordering = ("-opened_at",)
    ordering_fields = ("opened_at",)

    def get_queryset(self) -> QuerySet[Promotion]:
        return queries.all_promotions()

    def render(self, rows: Sequence[Promotion]) -> list[dict[str, Any]]:
        return queries.promotion_lines(rows, self.moment)

    @extend_schema(request=bodies.OpenPromotionRequest, responses={201: shapes.PromotionShape})
    def post(self, request: Request) -> Response:
        """Put an agent on the way from research to live: its votes count from now on only as its stage says."""
        given = bodies.OpenPromotionRequest.checked(request.data)
        view = operations.open_promotion(**given, actor=self.actor, moment=self.moment)
        return Response(view, status=status.HTTP_201_CREATED)


class PromotionView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.PromotionShape)
    def get(self, request: Request, promotion_id: UUID) -> Response:  # noqa: ARG002
        """One promotion: the gates of its next stage as they are met now, and every judgement as it was."""
        return Response(queries.promotion_view(promotion_id, self.moment))


class AdvancePromotionView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.PromotionShape)
    def post(self, request: Request, promotion_id: UUID) -> Response:
        """Sign off the next stage, with a reason. Refused while a gate is failed; what was seen is kept either way."""
        reason = bodies.ReasonRequest.checked(request.data)["reason"]
        return Response(
            operations.advance_promotion(promotion_id=promotion_id, actor=self.actor, reason=reason, moment=self.moment)
        )


class EndPromotionView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.PromotionShape)
    def post(self, request: Request, promotion_id: UUID) -> Response:
        """End it, with a reason; the agent stays unheard."""
        reason = bodies.ReasonRequest.checked(request.data)["reason"]
        return Response(
            operations.end_promotion(promotion_id=promotion_id, actor=self.actor, reason=reason, moment=self.moment)
        )
