"""Health, containers, instances and incidents over REST; an agent's container and log under the agent's own path."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents.queries import agent_card
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.management import operations, queries
from apps.management.api import answer_shapes as shapes
from apps.management.models import Container, Incident, Instance
from apps.management.operations.wanted_containers import container_name
from apps.management.wiring import runtime

LOG_BYTES = 64 * 1024


class HealthView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.HealthShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Whether the house can do its work, part by part, and what is wrong in words."""
        return Response(queries.health_view(self.moment))


class ContainersView(ListView):
    """Every container, also those that no longer run."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.ContainerShape
    filterset_fields = ("health", "kind", "runtime", "wanted", "subject_id")
    ordering = ("name",)
    ordering_fields = ("name", "observed_at", "restarts")

    def get_queryset(self) -> QuerySet[Container]:
        return Container.objects.all()

    def render(self, rows: Sequence[Container]) -> list[dict[str, Any]]:
        return queries.named_containers(rows)


class ReleaseContainerView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, name: str) -> Response:  # noqa: ARG002
        """Let a container out of quarantine: its crashes are forgotten and it is started again."""
        operations.release_quarantine(name=name, actor=self.actor, moment=self.moment)
        return Response(status=204)


class InstancesView(ListView):
    """The instances of this firm that share its database."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.InstanceShape
    filterset_fields = ("role",)
    ordering = ("name",)
    ordering_fields = ("name", "seen_at")

    def get_queryset(self) -> QuerySet[Instance]:
        return Instance.objects.all()

    def render(self, rows: Sequence[Instance]) -> list[dict[str, Any]]:
        return queries.instance_views(self.moment.wall, rows)


class PromoteInstanceView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=shapes.ReasonRequest, responses={202: shapes.InstanceShape})
    def post(self, request: Request, name: str) -> Response:
        """Let this instance lead: the one that does lets go first, then this one takes over. Needs a reason."""
        given = shapes.ReasonRequest.checked(request.data)
        view = operations.promote_instance(name=name, actor=self.actor, reason=given["reason"], moment=self.moment)
        return Response(view, status=202)


class IncidentsView(ListView):
    """What needed or needs a person's eyes, newest first; open ones with ``?closed_at__isnull=true``."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.IncidentShape
    filterset_fields = {"kind": ["exact"], "subject": ["exact"], "severity": ["exact"], "closed_at": ["isnull"]}
    ordering = ("-opened_at",)
    ordering_fields = ("opened_at", "last_seen_at", "occurrences")

    def get_queryset(self) -> QuerySet[Incident]:
        return Incident.objects.all()

    def render(self, rows: Sequence[Incident]) -> list[dict[str, Any]]:
        return [queries.incident_view(row) for row in rows]


class CloseIncidentView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.IncidentShape)
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Close an incident; needs a reason."""
        given = shapes.ReasonRequest.checked(request.data)
        view = operations.close_incident(
            incident_id=incident_id, actor=self.actor, reason=given["reason"], moment=self.moment
        )
        return Response(view)


class AgentStatusView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.ContainerShape)
    def get(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """The agent's card with its container: what runs, since when, with how much memory."""
        return Response({**agent_card(agent_id), "container": queries.container_of(agent_id)})


class AgentLogView(HouseView):
    roles = {"GET": Role.TRADER}

    @extend_schema(responses=shapes.AgentLogShape)
    def get(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """The end of what the agent's process wrote."""
        agent_card(agent_id)
        text = runtime().log_tail(container_name(agent_id), size=LOG_BYTES)
        return Response({"agent_id": str(agent_id), "lines": text.splitlines()})
