"""The market over REST: instruments and their pause, quotes, candles, books, sources, gaps and backfills."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.csv_export import CsvRenderer
from apps.foundation.rest.json_format import HouseJSONRenderer
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView, ListView
from apps.market import operations, queries
from apps.market.api import answer_shapes as shapes
from apps.market.api import list_filters
from apps.market.api import request_bodies as bodies
from apps.market.models import Backfill, CandleGap, DataNotice, Instrument, Provider, StoredCandle


class InstrumentsView(ListView):
    """What can be traded, with steps and minimums; ``assumed`` names the rules that no exchange stated."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.InstrumentShape
    filterset_class = list_filters.InstrumentFilter
    ordering = ("place",)
    ordering_fields = ("place", "symbol", "quote")
    queryset = Instrument.objects.all()

    def render(self, rows: Sequence[Instrument]) -> list[dict[str, Any]]:
        at = self.moment.firm
        return [queries.instrument_view(row, at) for row in rows]


class PauseInstrumentView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.InstrumentShape)
    def post(self, request: Request, symbol: str) -> Response:
        """Take no new risk in this instrument until the pause is lifted."""
        reason = bodies.ReasonRequest.checked(request.data)["reason"]
        return Response(operations.pause_instrument(symbol=symbol, actor=self.actor, reason=reason, moment=self.moment))


class UnpauseInstrumentView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.InstrumentShape)
    def post(self, request: Request, symbol: str) -> Response:
        """Lift the pause."""
        reason = bodies.ReasonRequest.checked(request.data)["reason"]
        return Response(
            operations.unpause_instrument(symbol=symbol, actor=self.actor, reason=reason, moment=self.moment)
        )


class QuotesView(HouseView):
    """Every source's quote and the mark, for one instrument or the whole watch list."""

    roles = {"GET": Role.VIEWER}
    query_parameters = ("instrument",)
    renderer_classes = [HouseJSONRenderer, CsvRenderer]

    @extend_schema(parameters=[bodies.QuotesQuery], responses=shapes.QuoteSnapshotPage)
    def get(self, request: Request) -> Response:
        """All sources and the mark, with the reason for it."""
        asked = bodies.QuotesQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(whole_page(queries.quote_snapshots_of(asked.validated_data.get("instrument"), self.moment)))


class CandlesView(ListView):
    """Closed candles of one instrument, the newest first; ``ordering=open_at`` turns them round."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.CandleShape
    filterset_class = list_filters.CandleFilter
    ordering = ("-open_at",)
    ordering_fields = ("open_at",)
    queryset = StoredCandle.objects.all()

    def render(self, rows: Sequence[StoredCandle]) -> list[dict[str, Any]]:
        return [queries.stored_candle_view(row) for row in rows]


class OrderbookView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("instrument", "depth")

    @extend_schema(parameters=[bodies.OrderbookQuery], responses=shapes.OrderbookShape)
    def get(self, request: Request) -> Response:
        """The leading source's book; a market without recorded books gives the assumed top of it and says so."""
        asked = bodies.OrderbookQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        return Response(queries.orderbook_view(wanted["instrument"], depth=wanted["depth"]))


class ProvidersView(ListView):
    """The sources of prices and how they are doing."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.ProviderShape
    filterset_class = list_filters.ProviderFilter
    ordering = ("priority",)
    ordering_fields = ("priority", "name", "state")
    queryset = Provider.objects.all()

    def render(self, rows: Sequence[Provider]) -> list[dict[str, Any]]:
        leading = queries.market_clock().primary_source
        return [queries.provider_view(row, leading) for row in rows]


class GapsView(ListView):
    """Bars that sources did not give."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.GapShape
    filterset_class = list_filters.GapFilter
    ordering = ("-first_open",)
    ordering_fields = ("first_open", "missing", "found_at")
    queryset = CandleGap.objects.all()

    def render(self, rows: Sequence[CandleGap]) -> list[dict[str, Any]]:
        return [queries.gap_view(row) for row in rows]


class NoticesView(ListView):
    """What was wrong in the data of sources: repaired, or refused so that nothing is traded on it."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.NoticeShape
    filterset_class = list_filters.NoticeFilter
    ordering = ("-found_at",)
    ordering_fields = ("found_at", "open_at")
    queryset = DataNotice.objects.all()

    def render(self, rows: Sequence[DataNotice]) -> list[dict[str, Any]]:
        return [queries.notice_view(row) for row in rows]


class BackfillsView(ListView):
    """Histories being fetched, the newest first."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.BackfillShape
    filterset_class = list_filters.BackfillFilter
    ordering = ("-created_at",)
    ordering_fields = ("created_at", "changed_at", "state")

    def get_queryset(self) -> QuerySet[Backfill]:
        return Backfill.objects.all()

    def render(self, rows: Sequence[Backfill]) -> list[dict[str, Any]]:
        return [queries.backfill_view(row) for row in rows]

    @extend_schema(request=bodies.BackfillRequest, responses={202: shapes.BackfillShape})
    def post(self, request: Request) -> Response:
        """Fetch the candles of one span on a live market."""
        wanted = bodies.BackfillRequest.checked(request.data)
        symbol = wanted.pop("instrument")
        planned = operations.request_backfill(symbol=symbol, **wanted, actor=self.actor, moment=self.moment)
        return Response(planned, status=202)
