"""Orders, positions and fills over REST."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role, role_at_least
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView, ListView
from apps.trading import operations, queries
from apps.trading.api import answer_shapes as shapes
from apps.trading.api import request_bodies as bodies
from apps.trading.api.account_parameter import ACCOUNT_OR_ALL
from apps.trading.api.list_filters import FillFilter, OrderFilter
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import Fill, Order


class OrdersView(ListView):
    """All orders, newest first: denied ones with their reasons, too."""

    roles = {"GET": Role.VIEWER, "POST": Role.TRADER}
    serializer_class = shapes.OrderShape
    filterset_class = OrderFilter
    ordering = ("-proposed_wall",)
    ordering_fields = ("proposed_wall", "symbol", "state")

    def get_queryset(self) -> QuerySet[Order]:
        return queries.all_orders()

    def render(self, rows: Sequence[Order]) -> list[dict[str, Any]]:
        return queries.order_views(rows)

    @extend_schema(request=bodies.ProposeOrderRequest, responses={201: shapes.OrderShape})
    def post(self, request: Request) -> Response:
        """Propose an order. The answer's state is APPROVED, ARMED, or DENIED with the reasons in its verdicts.

        Of an oco or a bracket it is the first order, the take-profit or the entry, with its group.
        """
        intent = _intent(self, request)
        return Response(operations.propose_order(intent=intent, moment=self.moment), status=status.HTTP_201_CREATED)


def _intent(view: HouseView, request: Request) -> OrderIntent:
    """The body as an intent of the person who sent it. Raises for a body of the wrong shape."""
    wanted = bodies.ProposeOrderRequest.checked(request.data)
    return OrderIntent(
        symbol=wanted.pop("instrument"),
        expires_firm=wanted.pop("expires_at", None),
        origin="manual",
        actor=view.actor,
        privileged=role_at_least(request.user, Role.RISK),
        **wanted,
    )


class PreviewOrderView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=bodies.ProposeOrderRequest, responses=shapes.OrderPreviewShape)
    def post(self, request: Request) -> Response:
        """What the risk gate would say to this order now, and what it would reserve; nothing is stored."""
        return Response(operations.preview_order(intent=_intent(self, request), moment=self.moment))


class OrderView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=shapes.OrderShape)
    def get(self, request: Request, order_id: UUID) -> Response:  # noqa: ARG002
        """One order with verdicts, fills and history."""
        return Response(queries.order_view(order_id))


class CancelOrderView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=bodies.ReasonRequest, responses=shapes.OrderShape)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Cancel an order: at once here, as a wish where the venue holds it."""
        reason = bodies.ReasonRequest.checked(request.data or {})["reason"]
        answer = operations.cancel_order(order_id=order_id, actor=self.actor, reason=reason, moment=self.moment)
        return Response(answer)


class AmendOrderView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=bodies.AmendOrderRequest, responses={201: shapes.OrderShape})
    def post(self, request: Request, order_id: UUID) -> Response:
        """Replace an order by one with new values; the answer is the new order, linked to the old one.

        What works at a venue is asked back first: the new order is PROPOSED until the old one is proven to have ended.
        """
        wanted = bodies.AmendOrderRequest.checked(request.data)
        reason = wanted.pop("reason")
        if "expires_at" in wanted:
            wanted["expires_firm"] = wanted.pop("expires_at")
        answer = operations.amend_order(
            order_id=order_id,
            changes=wanted,
            actor=self.actor,
            reason=reason,
            moment=self.moment,
            privileged=role_at_least(request.user, Role.RISK),
        )
        return Response(answer, status=status.HTTP_201_CREATED)


class FillsView(ListView):
    """All trades, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.FillShape
    filterset_class = FillFilter
    ordering = ("-recorded_wall",)
    ordering_fields = ("recorded_wall", "traded_firm")

    def get_queryset(self) -> QuerySet[Fill]:
        return queries.all_fills()

    def render(self, rows: Sequence[Fill]) -> list[dict[str, Any]]:
        return [queries.fill_view(row) for row in rows]


class PositionsView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("account",)

    @extend_schema(parameters=[ACCOUNT_OR_ALL], responses=shapes.PositionShape(many=True))
    def get(self, request: Request) -> Response:
        """The open positions, of one account or of all."""
        return Response(whole_page(queries.position_views(self.moment, request.query_params.get("account"))))


class ClosePositionView(HouseView):
    roles = {"POST": Role.TRADER}

    @extend_schema(request=bodies.ClosePositionRequest, responses={201: shapes.OrderShape})
    def post(self, request: Request, symbol: str) -> Response:
        """Sell all of a position at the market, reduce-only."""
        given = bodies.ClosePositionRequest.checked(request.data or {})
        answer = operations.close_position(
            account=given.get("account"),
            symbol=symbol,
            actor=self.actor,
            reason=given["reason"],
            moment=self.moment,
            privileged=role_at_least(request.user, Role.RISK),
        )
        return Response(answer, status=status.HTTP_201_CREATED)
