"""Agents over REST: list, create, configure, start, stop, destroy, votes and record.

``agents/{id}/status/`` and ``logs/`` speak of processes too and therefore come from the management room.
"""

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
from apps.agents.api.list_filters import AgentFilter, VoteFilter
from apps.agents.models import Agent, Vote
from apps.foundation.permissions import Role
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView, ListView


class AgentsView(ListView):
    """Every agent; destroyed ones with ``?desired_state=destroyed``."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.AgentCardShape
    filterset_class = AgentFilter
    ordering = ("name",)
    ordering_fields = ("name", "created_at", "weight")

    def get_queryset(self) -> QuerySet[Agent]:
        return Agent.objects.all()

    def render(self, rows: Sequence[Agent]) -> list[dict[str, Any]]:
        return queries.cards_of(rows)

    @extend_schema(request=bodies.CreateAgentRequest, responses={201: shapes.AgentCardShape})
    def post(self, request: Request) -> Response:
        """Create an agent; the fleet starts its process."""
        given = bodies.CreateAgentRequest.checked(request.data)
        card = operations.create_agent(**given, actor=self.actor, moment=self.moment)
        return Response(card, status=201)


class AgentView(HouseView):
    roles = {"GET": Role.VIEWER, "PATCH": Role.TRADER, "DELETE": Role.TRADER}

    @extend_schema(responses=shapes.AgentCardShape)
    def get(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """One agent with its newest votes, its score and its last sign of life."""
        return Response(queries.agent_card(agent_id))

    @extend_schema(request=bodies.ConfigureAgentRequest, responses=shapes.AgentCardShape)
    def patch(self, request: Request, agent_id: UUID) -> Response:
        """Change settings; the fleet restarts the process with them."""
        changes = bodies.ConfigureAgentRequest.checked(request.data)
        return Response(
            operations.configure_agent(agent_id=agent_id, changes=changes, actor=self.actor, moment=self.moment)
        )

    @extend_schema(responses=shapes.AgentCardShape)
    def delete(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """Destroy the agent; its record stays readable."""
        return Response(operations.destroy_agent(agent_id=agent_id, actor=self.actor, moment=self.moment))


class StartAgentView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=None, responses=shapes.AgentCardShape)
    def post(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """Let the agent run and vote."""
        return Response(operations.start_agent(agent_id=agent_id, actor=self.actor, moment=self.moment))


class StopAgentView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=None, responses=shapes.AgentCardShape)
    def post(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """End the agent's process and ask it no more."""
        return Response(operations.stop_agent(agent_id=agent_id, actor=self.actor, moment=self.moment))


class AgentVotesView(ListView):
    """The agent's votes, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.AgentVoteShape
    filterset_class = VoteFilter
    ordering = ("-id",)
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[Vote]:
        if getattr(self, "swagger_fake_view", False):
            return Vote.objects.none()
        return queries.votes_of(self.kwargs["agent_id"])

    def render(self, rows: Sequence[Vote]) -> list[dict[str, Any]]:
        return [queries.vote_view(vote) for vote in rows]


class AgentPerformanceView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.PerformanceShape)
    def get(self, request: Request, agent_id: UUID) -> Response:  # noqa: ARG002
        """Hit rate, Brier score, P&L net of costs, their history, and refused messages."""
        return Response(queries.performance_view(agent_id))


class StrategiesView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.StrategyShape(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The strategies that agents can be made of, with their parameters."""
        return Response(whole_page(queries.strategy_views(self.moment.wall)))


class ConsensusView(HouseView):
    """How votes are pooled and when a score becomes a target."""

    roles = {"GET": Role.VIEWER, "PATCH": Role.RISK}

    @extend_schema(responses=shapes.PolicyShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The policy that holds."""
        return Response(queries.policy_view())

    @extend_schema(request=bodies.ChangePolicyRequest, responses=shapes.PolicyShape)
    def patch(self, request: Request) -> Response:
        """Change the policy; needs a reason, the old one stays readable."""
        changes = bodies.ChangePolicyRequest.checked(request.data)
        reason = changes.pop("reason")
        return Response(operations.change_policy(changes=changes, reason=reason, actor=self.actor, moment=self.moment))
