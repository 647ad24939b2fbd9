"""What clients get from the market room, for the OpenAPI document; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import DecimalText, InstrumentField, UtcTimeField


class InstrumentShape(serializers.Serializer):
    instrument = InstrumentField()
    base = serializers.CharField()
    quote = serializers.CharField()
    tick_size = DecimalText()
    step_size = DecimalText()
    min_quantity = DecimalText()
    min_notional = DecimalText()
    assumed = serializers.ListField(child=serializers.CharField(), help_text="Rules that no exchange stated.")
    sources = serializers.ListField(child=serializers.CharField())
    calendar = serializers.CharField(help_text="The exchange whose hours it keeps; empty: it trades at all hours.")
    open = serializers.BooleanField(help_text="Its exchange is open now.")
    session_until = UtcTimeField(allow_null=True, help_text="When that changes; null where nobody knows.")
    watched = serializers.BooleanField()
    paused = serializers.BooleanField()
    paused_reason = serializers.CharField(allow_null=True)
    paused_by = serializers.CharField(allow_null=True)
    paused_at = UtcTimeField(allow_null=True)


class QuoteShape(serializers.Serializer):
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    bid = DecimalText()
    ask = DecimalText()
    last = DecimalText(allow_null=True)
    spread_bps = DecimalText()
    event_at = UtcTimeField()
    received_at = UtcTimeField()
    market = serializers.ChoiceField(choices=["live", "recorded", "simulated"])


class MarkShape(serializers.Serializer):
    price = DecimalText(allow_null=True)
    as_of = UtcTimeField(allow_null=True)
    received_at = UtcTimeField(allow_null=True)
    sources = serializers.ListField(child=serializers.CharField())
    spread_bps = DecimalText(allow_null=True)
    stale = serializers.BooleanField()
    diverging = serializers.BooleanField()
    reason = serializers.CharField()
    closed = serializers.BooleanField(help_text="Its exchange is closed; the price is that of the last session.")
    opens_at = UtcTimeField(allow_null=True)


class QuoteSnapshotShape(serializers.Serializer):
    instrument = InstrumentField()
    market = serializers.ChoiceField(choices=["live", "recorded", "simulated"])
    assumption = serializers.CharField(help_text="What is assumed about bid and ask; empty for real quotes.")
    mark = MarkShape()
    quotes = QuoteShape(many=True)


class QuoteSnapshotPage(serializers.Serializer):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = QuoteSnapshotShape(many=True)


class CandleShape(serializers.Serializer):
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    timeframe = serializers.CharField()
    open_at = UtcTimeField()
    close_at = UtcTimeField()
    open = DecimalText()
    high = DecimalText()
    low = DecimalText()
    close = DecimalText()
    volume = DecimalText()


class OrderbookShape(serializers.Serializer):
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    market = serializers.ChoiceField(choices=["live", "recorded", "simulated"])
    as_of = UtcTimeField(allow_null=True)
    assumption = serializers.CharField()
    bids = serializers.ListField(help_text="[price, quantity or null], the best first.")
    asks = serializers.ListField(help_text="[price, quantity or null], the best first.")


class ProviderShape(serializers.Serializer):
    name = serializers.CharField()
    market = serializers.ChoiceField(choices=["live", "recorded", "simulated"])
    priority = serializers.IntegerField()
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(choices=["unknown", "healthy", "degraded", "down"])
    message = serializers.CharField()
    primary = serializers.BooleanField(help_text="Its candles are the ones traded on.")
    failures = serializers.IntegerField()
    latency_ms = serializers.FloatField(allow_null=True)
    last_ok_at = UtcTimeField(allow_null=True)
    last_error_at = UtcTimeField(allow_null=True)


class GapShape(serializers.Serializer):
    id = serializers.IntegerField()
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    timeframe = serializers.CharField()
    first_open = UtcTimeField()
    last_open = UtcTimeField()
    missing = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["open", "filled"])
    found_at = UtcTimeField()


class NoticeShape(serializers.Serializer):
    id = serializers.IntegerField()
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    timeframe = serializers.CharField()
    open_at = UtcTimeField()
    kind = serializers.ChoiceField(
        choices=["duplicate", "no_price", "unit", "split", "dividend", "suspected_split", "split_announced"]
    )
    repaired = serializers.BooleanField(help_text="False: the row was refused.")
    detail = serializers.CharField()
    found_at = UtcTimeField()


class BackfillShape(serializers.Serializer):
    id = serializers.UUIDField()
    instrument = InstrumentField()
    source = serializers.CharField()  # type: ignore[assignment]
    timeframe = serializers.CharField()
    first_open = UtcTimeField()
    last_open = UtcTimeField()
    wanted = serializers.IntegerField()
    stored = serializers.IntegerField()
    progress = serializers.FloatField(help_text="0 to 1.")
    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed"])
    message = serializers.CharField()
    requested_by = serializers.CharField()
    created_at = UtcTimeField()
    changed_at = UtcTimeField()
