"""Scaling over REST: a person's request and its preview, the autoscaler's policy, and the timeline of decisions."""

from collections.abc import Sequence
from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.pages import CursorPages
from apps.foundation.rest.views import HouseView, ListView
from apps.management import operations, queries
from apps.management.api import scaling_shapes as shapes
from apps.management.models import ScalingDecision
from apps.management.models.scaling_decision import ACTIONS
from apps.management.wiring import fleet_budget


class ScaleView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.ScaleRequest, responses={202: shapes.ScalePlanShape})
    def post(self, request: Request) -> Response:
        """Let that many agents run, spread over the strategies; the rest drains. The fleet carries the plan out."""
        given = shapes.ScaleRequest.checked(request.data)
        plan = operations.scale_fleet(**given, budget=fleet_budget(), actor=self.actor, moment=self.moment)
        return Response(plan, status=status.HTTP_202_ACCEPTED)


class PreviewScaleView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.PreviewScaleRequest, responses=shapes.ScalePlanShape)
    def post(self, request: Request) -> Response:
        """The plan that this request would lead to now; nothing changes."""
        given = shapes.PreviewScaleRequest.checked(request.data)
        return Response(operations.preview_scale(**given, budget=fleet_budget()))


class ScalingDecisionFilter(filters.FilterSet):
    action = filters.ChoiceFilter(choices=ACTIONS)
    acted = filters.BooleanFilter(method="by_acted", help_text="Only those that changed something, or only the others.")
    code = filters.CharFilter()
    actor = filters.CharFilter()
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = ScalingDecision
        fields: list[str] = []

    def by_acted(self, rows: QuerySet[ScalingDecision], name: str, value: bool) -> QuerySet[ScalingDecision]:  # noqa: ARG002
        return rows.exclude(action="nothing") if value else rows.filter(action="nothing")


class AutoscalerPages(CursorPages):
    """A page of decisions beside the policy that holds and the host's budget."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        shapes_beside = {"policy": "AutoscalerPolicyShape", "budget": "ResourcesShape"}
        page["properties"] |= {
            name: {"$ref": f"#/components/schemas/Management{shape}"} for name, shape in shapes_beside.items()
        }
        return page


class AutoscalerView(ListView):
    """The decisions about the fleet's size, newest first, beside the policy and the host's budget."""

    roles = {"GET": Role.VIEWER, "PATCH": Role.ADMIN}
    serializer_class = shapes.ScalingDecisionShape
    pagination_class = AutoscalerPages
    filterset_class = ScalingDecisionFilter
    ordering = ("-at", "-id")
    ordering_fields = ("at",)

    def get_queryset(self) -> QuerySet[ScalingDecision]:
        return ScalingDecision.objects.all()

    def render(self, rows: Sequence[ScalingDecision]) -> list[dict[str, Any]]:
        return [queries.scaling_decision_view(row) for row in rows]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The policy that holds, the host's budget, and a page of the decisions."""
        answer = super().get(request, *args, **kwargs)
        budget = fleet_budget()
        answer.data |= {
            "policy": queries.autoscaler_policy_view(self.moment),
            "budget": {"memory_bytes": budget.memory_bytes, "cpus": budget.cpus},
        }
        return answer

    @extend_schema(request=shapes.ChangeAutoscalerRequest, responses=shapes.AutoscalerPolicyShape)
    def patch(self, request: Request) -> Response:
        """Switch it on or off, or change its policy; needs a reason, the old one stays readable."""
        changes = shapes.ChangeAutoscalerRequest.checked(request.data)
        reason = changes.pop("reason")
        view = operations.change_autoscaler(changes=changes, reason=reason, actor=self.actor, moment=self.moment)
        return Response(view)
