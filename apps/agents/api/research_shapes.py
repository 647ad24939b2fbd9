"""What clients get of research, for the OpenAPI document; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.agents.models import RunState
from apps.foundation.rest.serializer_fields import DecimalText, InstrumentField, UtcTimeField


class BacktestHeadlineShape(serializers.Serializer):
    total_return = serializers.FloatField()
    cagr = serializers.FloatField(allow_null=True, help_text="None for a run of less than a year.")
    cagr_untold = serializers.CharField(allow_null=True, help_text="Why there is none, where the run is too short.")
    sharpe = serializers.FloatField(allow_null=True)
    max_drawdown = serializers.FloatField()
    excess_return = serializers.FloatField(help_text="Beyond buying and holding.")
    trades = serializers.IntegerField()
    win_rate = serializers.FloatField(allow_null=True)


class BacktestLineShape(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=RunState.choices)
    progress = serializers.FloatField(help_text="0 to 1.")
    step = serializers.CharField()
    problem = serializers.CharField()
    tries = serializers.IntegerField()
    wish = serializers.DictField(help_text="What was asked for, every default filled in.")
    requested_by = serializers.CharField()
    requested_at = UtcTimeField()
    started_at = UtcTimeField(allow_null=True)
    ended_at = UtcTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    mode = serializers.CharField(help_text="signal or firm; empty until it ran.")
    trade_count = serializers.IntegerField()
    digest = serializers.CharField()
    headline = BacktestHeadlineShape(allow_null=True)


class BacktestPointShape(serializers.Serializer):
    at = UtcTimeField()
    equity = DecimalText(above=None)
    buy_and_hold = DecimalText(above=None)
    drawdown = serializers.FloatField(help_text="Below the highest equity so far, as a share of it.")


class BacktestTradeShape(serializers.Serializer):
    number = serializers.IntegerField()
    instrument = InstrumentField()
    opened_at = UtcTimeField()
    closed_at = UtcTimeField()
    strategy = serializers.CharField()
    reason = serializers.CharField()
    quantity = DecimalText(above=None)
    entry = DecimalText(above=None)
    exit = DecimalText(above=None)
    fees = DecimalText(above=None)
    profit = DecimalText(above=None)
    returned = serializers.FloatField()
    adverse = serializers.FloatField()
    favourable = serializers.FloatField()
    bars = serializers.IntegerField()


class BacktestShape(BacktestLineShape):
    stated = serializers.DictField()
    metrics = serializers.DictField(
        allow_null=True,
        help_text="All figures. `stopped` is there where a loss limit ended trading before the run ended: its `kind`, "
        "`at`, `after_days` of `days`, `reason`, and all of it in a sentence, `told`.",
    )
    outcomes = serializers.DictField(child=serializers.IntegerField())
    restrictions = serializers.ListField(child=serializers.CharField(), help_text="What restricted trading at the end.")
    equity = BacktestPointShape(many=True, help_text="Thinned for a plot; highs and lows are kept.")
    trades = BacktestTradeShape(many=True, help_text="The first 500; all of them under trades/.")


class CandleSpanShape(serializers.Serializer):
    instrument = InstrumentField()
    timeframe = serializers.CharField()
    first = UtcTimeField()
    last = UtcTimeField()


class BacktestChoicesShape(serializers.Serializer):
    base_timeframe = serializers.CharField()
    candles = CandleSpanShape(many=True)
    strategies = serializers.ListField(child=serializers.CharField())


class SearchHeadlineShape(serializers.Serializer):
    out_of_sample_return = serializers.FloatField(allow_null=True, help_text="All tests in a row.")
    out_of_sample_sharpe = serializers.FloatField(allow_null=True)
    buy_and_hold_return = serializers.FloatField(allow_null=True)
    in_sample_return = serializers.FloatField(allow_null=True)
    overfit_probability = serializers.FloatField(allow_null=True)
    efficiency = serializers.FloatField(allow_null=True, help_text="The objective out of sample over that in sample.")
    parameters = serializers.DictField(child=serializers.FloatField(), help_text="Best on everything.")


class SearchLineShape(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=RunState.choices)
    progress = serializers.FloatField(help_text="0 to 1, in trials.")
    step = serializers.CharField()
    problem = serializers.CharField()
    wish = serializers.DictField()
    requested_by = serializers.CharField()
    requested_at = UtcTimeField()
    started_at = UtcTimeField(allow_null=True)
    ended_at = UtcTimeField(allow_null=True)
    headline = SearchHeadlineShape(allow_null=True)


class SearchFoldShape(serializers.Serializer):
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RunState.choices)
    trials = serializers.IntegerField()
    tries = serializers.IntegerField()
    problem = serializers.CharField()


class SearchShape(SearchLineShape):
    folds = SearchFoldShape(
        many=True,
        help_text="One more than `folds` of the wish: the last one has no test. It trains on all candles and finds "
        "the `recommended` setting of the report.",
    )
    report = serializers.DictField(allow_null=True)
