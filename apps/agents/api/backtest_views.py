"""Stored backtests over REST: ask, list, look, read the report, cancel."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.agents import operations, queries
from apps.agents.api import request_bodies as bodies
from apps.agents.api import research_shapes as shapes
from apps.agents.models import BacktestRun, BacktestTrade
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView


class BacktestsView(ListView):
    """Every backtest that was asked for, newest first."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.BacktestLineShape
    filterset_fields = ("state", "requested_by")
    ordering = ("-requested_at",)
    ordering_fields = ("requested_at",)

    def get_queryset(self) -> QuerySet[BacktestRun]:
        return queries.all_backtests()

    def render(self, rows: Sequence[BacktestRun]) -> list[dict[str, Any]]:
        return queries.backtest_lines(rows)

    @extend_schema(request=bodies.BacktestRequest, responses={202: shapes.BacktestLineShape})
    def post(self, request: Request) -> Response:
        """Ask for a backtest on the stored candles; a research worker computes it."""
        given = bodies.BacktestRequest.checked(request.data)
        line = operations.request_backtest(**given, actor=self.actor, moment=self.moment)
        return Response(line, status=status.HTTP_202_ACCEPTED)


class BacktestChoicesView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.BacktestChoicesShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Of which instruments candles are stored, from when to when, and the strategies there are."""
        return Response(queries.backtest_choices())


class BacktestView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.BacktestShape)
    def get(self, request: Request, run_id: UUID) -> Response:  # noqa: ARG002
        """One backtest: how it stands, and once it is done its figures, equity and first trades."""
        return Response(queries.backtest_view(run_id))


class CancelBacktestView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=None, responses=shapes.BacktestLineShape)
    def post(self, request: Request, run_id: UUID) -> Response:  # noqa: ARG002
        """End a backtest that waits or runs."""
        return Response(operations.cancel_backtest(run_id=run_id, actor=self.actor, moment=self.moment))


class BacktestTradesView(ListView):
    """All closed trades of one backtest; as CSV with ``?format=csv``."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.BacktestTradeShape
    ordering = ("number",)
    ordering_fields = ("number", "closed_at")

    def get_queryset(self) -> QuerySet[BacktestTrade]:
        if getattr(self, "swagger_fake_view", False):
            return BacktestTrade.objects.none()
        return queries.backtest_trades(queries.found_backtest(self.kwargs["run_id"]).pk)

    def render(self, rows: Sequence[BacktestTrade]) -> list[dict[str, Any]]:
        return [queries.trade_view(row) for row in rows]


class BacktestReportView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses={(200, "text/html"): OpenApiTypes.STR})
    def get(self, request: Request, run_id: UUID) -> HttpResponse:  # noqa: ARG002
        """The tear sheet of a finished backtest: one HTML page that needs nothing else."""
        return HttpResponse(queries.backtest_report(run_id), content_type="text/html; charset=utf-8")
