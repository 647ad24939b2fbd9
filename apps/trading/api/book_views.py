"""Portfolio, ledger, equity, limits and trading state over REST."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.trading import queries
from apps.trading.api import answer_shapes as shapes
from apps.trading.api.account_parameter import ACCOUNT
from apps.trading.api.list_filters import EquityFilter, TransferFilter
from apps.trading.models import EquitySnapshot, LedgerTransfer


class PortfolioView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("account",)

    @extend_schema(parameters=[ACCOUNT], responses=shapes.PortfolioShape)
    def get(self, request: Request) -> Response:
        """The portfolio of an account at the marks of now."""
        return Response(queries.portfolio_view(self.moment, request.query_params.get("account")))


class LedgerView(ListView):
    """The books' transfers with their postings, newest first. They never change."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.TransferShape
    filterset_class = TransferFilter
    ordering = ("-at_wall",)
    ordering_fields = ("at_wall",)

    def get_queryset(self) -> QuerySet[LedgerTransfer]:
        return queries.all_transfers()

    def render(self, rows: Sequence[LedgerTransfer]) -> list[dict[str, Any]]:
        return queries.transfer_views(rows)


class EquityView(ListView):
    """The equity curve, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.EquityShape
    filterset_class = EquityFilter
    ordering = ("-at_firm",)
    ordering_fields = ("at_firm",)

    def get_queryset(self) -> QuerySet[EquitySnapshot]:
        return queries.all_snapshots()

    def render(self, rows: Sequence[EquitySnapshot]) -> list[dict[str, Any]]:
        return queries.snapshot_views(rows)
