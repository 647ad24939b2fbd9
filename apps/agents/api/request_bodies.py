"""What clients send to the agents' room: shapes only; whether a name exists is judged by the operation."""

from rest_framework import serializers

from apps.agents.domain.consensus import METHODS
from apps.agents.domain.search.trials import OBJECTIVES
from apps.agents.operations import BACKTEST_MODES
from apps.foundation.rest.serializer_fields import DecimalText, IdField, InstrumentField, StrictSerializer, UtcTimeField


class CreateAgentRequest(StrictSerializer):
    type = serializers.CharField(max_length=20, default="trading_agent")
    strategy = serializers.CharField(max_length=60)
    resources = serializers.DictField(required=False, help_text='Such as {"memory": "1G", "cpu": 1.0}.')
    instruments = serializers.ListField(child=InstrumentField(), required=False, help_text="Empty: the watch list.")
    timeframe = serializers.CharField(max_length=4, required=False, help_text="Missing: the strategy's own.")
    parameters = serializers.DictField(required=False, help_text="What shall differ from the strategy's defaults.")


class ConfigureAgentRequest(StrictSerializer):
    resources = serializers.DictField(required=False)
    instruments = serializers.ListField(child=InstrumentField(), required=False)
    timeframe = serializers.CharField(max_length=4, required=False)
    parameters = serializers.DictField(required=False)
    may_veto = serializers.BooleanField(required=False)


class ChangePolicyRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)
    method = serializers.ChoiceField(choices=METHODS, required=False)
    quorum = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    veto_confidence = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    enter = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    leave = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    full = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    band = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    denied_pause_bars = serializers.IntegerField(min_value=0, max_value=1_000, required=False)


class BacktestRequest(StrictSerializer):
    strategies = serializers.ListField(
        child=serializers.DictField(), help_text='Such as [{"name": "momentum", "parameters": {"fast": 10}}].'
    )
    instruments = serializers.ListField(child=InstrumentField(), required=False, help_text="Missing: the watch list.")
    timeframe = serializers.CharField(max_length=4, required=False, help_text="Missing: the market's base timeframe.")
    start = UtcTimeField(required=False, allow_null=True, help_text="Traded from here; earlier candles are history.")
    end = UtcTimeField(required=False, allow_null=True, help_text="The first candle that is left out.")
    starting_capital = DecimalText(required=False)
    fee = DecimalText(above=None, minimum=0, required=False, allow_null=True, help_text="A share of each side.")
    slippage_bps = DecimalText(above=None, minimum=0, required=False, allow_null=True)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    mode = serializers.ChoiceField(choices=BACKTEST_MODES, required=False)
    limits = serializers.DictField(
        required=False, help_text='Risk limits of this run, such as {"max_drawdown": "0.3"}.'
    )
    resumes_daily = serializers.BooleanField(required=False)


class SearchRequest(StrictSerializer):
    strategy = serializers.CharField(max_length=60)
    instruments = serializers.ListField(child=InstrumentField(), required=False, help_text="Missing: the watch list.")
    timeframe = serializers.CharField(max_length=4, required=False, help_text="Missing: the market's base timeframe.")
    start = UtcTimeField(required=False, allow_null=True, help_text="Searched from here; earlier candles are history.")
    end = UtcTimeField(required=False, allow_null=True, help_text="The first candle that is left out.")
    starting_capital = DecimalText(required=False)
    fee = DecimalText(above=None, minimum=0, required=False, allow_null=True, help_text="A share of each side.")
    slippage_bps = DecimalText(above=None, minimum=0, required=False, allow_null=True)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    mode = serializers.ChoiceField(choices=BACKTEST_MODES, required=False)
    space = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField()),
        required=False,
        help_text='Spans that differ from the declared ones, such as {"fast": [5, 50]}.',
    )
    fixed = serializers.DictField(
        child=serializers.FloatField(), required=False, help_text='What is not searched, such as {"horizon": 12}.'
    )
    folds = serializers.IntegerField(
        required=False, help_text="Tests that follow each other; 4 by default. All candles are searched once more."
    )
    trials = serializers.IntegerField(required=False, help_text="Settings tried in each fold; 40 by default.")
    objective = serializers.ChoiceField(choices=OBJECTIVES, required=False)
    train_tests = serializers.FloatField(required=False, help_text="Training, in lengths of a test; 3 by default.")
    gap_bars = serializers.IntegerField(required=False, help_text="Left out before each test; 50 by default.")
    anchored = serializers.BooleanField(required=False, help_text="Training always reaches back to the beginning.")


class ReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class OpenPromotionRequest(StrictSerializer):
    agent = IdField(found_at="GET /api/v1/agents/")
    model = IdField(
        found_at="GET /api/v1/agents/models/",
        required=False,
        help_text="The candidate that an agent by a model shall try.",
    )
    practice = serializers.BooleanField(
        required=False,
        help_text="To see the way, on generated or recorded prices only: failed gates that judge it are waived.",
    )
    paper_days = serializers.IntegerField(
        required=False, help_text="Watched unheard for so long; 14 by default, 1 in practice."
    )
    canary_days = serializers.IntegerField(
        required=False, help_text="Watched with a small share; 7 by default, 1 in practice."
    )
    reason = serializers.CharField(max_length=500)


class ExplainQuery(serializers.Serializer):
    instrument = InstrumentField()
    at = UtcTimeField(required=False, help_text="Missing: now, in firm time.")
