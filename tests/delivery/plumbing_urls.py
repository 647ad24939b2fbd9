"""Endpoints made for the tests of the plumbing, beside the real ones."""

import threading

from django.db import DataError, IntegrityError, OperationalError
from django.db.utils import InterfaceError
from django.urls import include, path
from psycopg.errors import DiskFull
from redis.exceptions import ConnectionError as RedisAway
from rest_framework import serializers
from rest_framework.response import Response

from apps.foundation.errors import Conflict, NotReady, OutcomeUnknown, Refused
from apps.foundation.models import OutboxEvent
from apps.foundation.outbox import record_event
from apps.foundation.permissions import Role
from apps.foundation.rest.routes import endpoint
from apps.foundation.rest.serializer_fields import DecimalText, IdField, InstrumentField, StrictSerializer, UtcTimeField
from apps.foundation.rest.views import HouseView, ListView
from tradinghq import urls as house


def caused_by(error, cause):
    """The error as Django raises it from the driver's."""
    error.__cause__ = cause
    return error


ERRORS = {
    "refused": lambda: Refused("Too small.", code="too_small", field="quantity", minimum="0.1"),
    "conflict": lambda: Conflict("It is done.", code="already_done"),
    "not-ready": lambda: NotReady("Away."),
    "unknown": lambda: OutcomeUnknown("Nobody knows."),
    "data": lambda: DataError("numeric field overflow SECRET"),
    "integrity": lambda: IntegrityError("violates SECRET"),
    "operational": lambda: OperationalError("connection refused SECRET"),
    "disk": lambda: caused_by(OperationalError("could not extend SECRET"), DiskFull("SECRET")),
    "interface": lambda: InterfaceError("closed SECRET"),
    "redis": lambda: RedisAway("SECRET"),
    "bug": lambda: ZeroDivisionError("SECRET"),
}
pause = threading.Event()
entered = threading.Event()


class FieldsRequest(StrictSerializer):
    quantity = DecimalText()
    limit_price = DecimalText(required=False, minimum=0)
    instrument = InstrumentField(required=False)
    at = UtcTimeField(required=False)
    note = serializers.CharField(required=False, max_length=20)
    side = serializers.ChoiceField(choices=["buy", "sell"], required=False)
    agent = IdField(found_at="GET /api/v1/agents/", required=False)


class FieldsView(HouseView):
    """Says back what it read."""

    roles = {"POST": Role.TRADER}

    def post(self, request):
        given = FieldsRequest(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(given.to_representation(given.validated_data), status=201)


class RaisingView(HouseView):
    roles = {"GET": Role.VIEWER}

    def get(self, request, kind):
        make = ERRORS[kind]
        raise make()


class EffectView(HouseView):
    """Writes one row a call; told to, it waits or fails after writing."""

    roles = {"POST": Role.TRADER}

    def post(self, request):
        record_event(kind="test.effect", aggregate="test:1", payload={"n": request.data.get("n")})
        if request.data.get("wait"):
            entered.set()
            assert pause.wait(10)
        if request.data.get("fail"):
            raise Conflict("Told to fail.", code="told_to_fail")
        return Response({"n": request.data.get("n"), "rows": OutboxEvent.objects.count()}, status=201)


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = OutboxEvent
        fields = ["id", "kind", "aggregate", "payload"]


class EventsView(ListView):
    roles = {"GET": Role.VIEWER}
    queryset = OutboxEvent.objects.all()
    serializer_class = EventSerializer
    filterset_fields = ["kind", "aggregate"]
    ordering = ["-created_at"]
    ordering_fields = ["created_at", "kind"]


class SymbolView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ("depth",)

    def get(self, request, symbol):
        return Response({"instrument": symbol, "query": request.query_params.dict()})


urlpatterns = [
    *endpoint("api/v1/test/fields/", FieldsView.as_view(), name="t-fields"),
    *endpoint("api/v1/test/raise/<str:kind>/", RaisingView.as_view(), name="t-raise"),
    *endpoint("api/v1/test/effect/", EffectView.as_view(), name="t-effect"),
    *endpoint("api/v1/test/events/", EventsView.as_view(), name="t-events"),
    *endpoint("api/v1/test/symbols/<instrument:symbol>/", SymbolView.as_view(), name="t-symbol"),
    path("", include(house.urlpatterns)),
]
handler400, handler403 = house.handler400, house.handler403
handler404, handler500 = house.handler404, house.handler500
