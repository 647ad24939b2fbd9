"""What clients send to the market room: shapes only; what exists is judged by the operation."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import InstrumentField, StrictSerializer, UtcTimeField


class ReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class BackfillRequest(StrictSerializer):
    instrument = InstrumentField()
    timeframe = serializers.CharField(max_length=4)
    start = UtcTimeField()
    end = UtcTimeField()
    source = serializers.CharField(max_length=24, required=False, help_text="Missing: the leading source.")  # type: ignore[assignment]


class QuotesQuery(serializers.Serializer):
    instrument = InstrumentField(required=False, help_text="Missing: the whole watch list.")


class OrderbookQuery(serializers.Serializer):
    instrument = InstrumentField()
    depth = serializers.IntegerField(min_value=1, max_value=100, default=20)
