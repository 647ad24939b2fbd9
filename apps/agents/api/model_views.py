"""Models of the neural strategy and the devices that judge, over REST."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents import operations, queries
from apps.agents.api import answer_shapes as shapes
from apps.agents.api import request_bodies as bodies
from apps.agents.api.list_filters import ModelFilter
from apps.agents.models import NeuralModel
from apps.foundation.permissions import Role
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView, ListView


class ModelsView(ListView):
    """The registry: every model with what it was worth on bars it had not seen, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.ModelShape
    filterset_class = ModelFilter
    ordering = ("-created_at", "id")
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[NeuralModel]:
        return queries.all_models()

    def render(self, rows: Sequence[NeuralModel]) -> list[dict[str, Any]]:
        return [queries.shown_model(row) for row in rows]


class RetireModelView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.ModelShape)
    def post(self, request: Request, model_id: UUID) -> Response:
        """Take a model out of force for good."""
        given = bodies.ReasonRequest.checked(request.data)
        return Response(
            operations.retire_model(model_id=model_id, actor=self.actor, reason=given["reason"], moment=self.moment)
        )


class DevicesView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.DeviceShape(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The devices that judge: memory, model, batch sizes, latencies, what waits. Empty where no worker ran."""
        return Response(whole_page(queries.device_views(self.moment.wall)))
