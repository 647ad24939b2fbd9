"""Limits, their history and use, the trading state, and the agents' budgets over REST."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView, ListView
from apps.trading import operations, queries
from apps.trading.api import answer_shapes as shapes
from apps.trading.api import request_bodies as bodies
from apps.trading.api import risk_shapes
from apps.trading.api.account_parameter import ACCOUNT
from apps.trading.models import RiskLimits


class LimitsView(HouseView):
    roles = {"GET": Role.VIEWER, "PATCH": Role.RISK}
    query_parameters = ()

    @extend_schema(responses=shapes.LimitsShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The risk limits that hold, with their meaning and bounds."""
        return Response(queries.limits_view())

    @extend_schema(request=bodies.ChangeLimitsRequest, responses=shapes.LimitsShape)
    def patch(self, request: Request) -> Response:
        """Change some limits; a new version is kept with author and reason."""
        changes = bodies.ChangeLimitsRequest.checked(request.data)
        reason = changes.pop("reason")
        answer = operations.change_limits(changes=changes, actor=self.actor, reason=reason, moment=self.moment)
        return Response(answer)


class LimitsHistoryView(ListView):
    """Every version of the limits, newest first: who changed what, when and why."""

    roles = {"GET": Role.VIEWER}
    serializer_class = risk_shapes.LimitsVersionShape
    filterset_fields = ("author",)
    ordering = ("-version",)
    ordering_fields = ("version",)

    def get_queryset(self) -> QuerySet[RiskLimits]:
        return queries.all_limits()

    def render(self, rows: Sequence[RiskLimits]) -> list[dict[str, Any]]:
        return [queries.limits_version_view(row) for row in rows]


class LimitUseView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("account",)

    @extend_schema(parameters=[ACCOUNT], responses=risk_shapes.LimitUseShape)
    def get(self, request: Request) -> Response:
        """How much of each limit is used now, in percent of it."""
        return Response(queries.limit_use(moment=self.moment, account=request.query_params.get("account")))


class StateView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=risk_shapes.StateShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The trading state, every cause behind it with what clears it, and how each account's venue answers."""
        return Response({**queries.state_view(), "venues": queries.venue_views()})


class BudgetsView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("account",)

    @extend_schema(parameters=[ACCOUNT], responses=risk_shapes.BudgetShape(many=True))
    def get(self, request: Request) -> Response:
        """The agents' budgets of an account."""
        return Response(whole_page(queries.budget_views(request.query_params.get("account"))))


class BudgetView(HouseView):
    roles = {"PUT": Role.RISK}

    @extend_schema(request=bodies.BudgetRequest, responses=risk_shapes.BudgetShape)
    def put(self, request: Request, agent_id: UUID) -> Response:
        """Set an agent's free budget; from then on its buys are paid from it only."""
        given = bodies.BudgetRequest.checked(request.data)
        answer = operations.set_agent_budget(
            agent_id=agent_id,
            amount=given["amount"],
            account=given.get("account"),
            actor=self.actor,
            reason=given["reason"],
            moment=self.moment,
        )
        return Response(answer)
