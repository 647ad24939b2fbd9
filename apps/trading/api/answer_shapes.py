"""What clients get from the trading room, for the OpenAPI document; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import DecimalText, InstrumentField, UtcTimeField
from apps.trading.domain.orders.order_groups import BRACKET, OCO, ROLES
from apps.trading.domain.orders.order_intent import ORIGINS, SIDES
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.order_types import ROW_TYPES, TIMES_IN_FORCE
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LIMITS
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.models import AccountMode, LedgerKind

ORDER_STATES = [state.value for state in OrderState]
TRADING_STATES = [state.value for state in TradingState]


def money(*, nullable: bool = False, why: str = "") -> DecimalText:
    return DecimalText(above=None, allow_null=nullable, help_text=why or None)


class PositionShape(serializers.Serializer):
    account = serializers.CharField()
    instrument = InstrumentField()
    quantity = money()
    average_price = money(why="Before fees.")
    cost = money()
    mark_price = money(nullable=True, why="Null while no source has a price.")
    market_value = money(nullable=True)
    unrealized_pnl = money(nullable=True)
    unrealized_pct = money(nullable=True)
    realized_pnl = money()
    fees = money()
    stop_price = money(nullable=True, why="Null for dust, too little to be sold: no stop covers it.")
    share_of_equity = money(nullable=True, why="0.25 is a quarter.")
    opened_at = UtcTimeField()
    mark_as_of = UtcTimeField(allow_null=True)
    mark_sources = serializers.ListField(child=serializers.CharField())
    stale = serializers.BooleanField()


class PortfolioShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    account = serializers.CharField()
    venue = serializers.CharField()
    mode = serializers.ChoiceField(choices=AccountMode.values)
    base_currency = serializers.CharField()
    starting_capital = money()
    cash = money()
    reserved = money()
    equity = money(nullable=True, why="Null while the price of something held is unknown.")
    market_value = money(nullable=True)
    realized_pnl = money(why="Before fees.")
    unrealized_pnl = money(nullable=True)
    fees_paid = money()
    pnl = money(nullable=True, why="After fees.")
    return_pct = money(nullable=True, why="Time-weighted: money that came in or went out is no part of it.")
    day_pnl = money(nullable=True)
    exposure_pct = money(nullable=True)
    peak_equity = money()
    drawdown_pct = money(nullable=True)
    trading_state = serializers.ChoiceField(choices=TRADING_STATES)
    as_of = UtcTimeField()
    stale = serializers.BooleanField()
    positions = PositionShape(many=True)


class VerdictShape(serializers.Serializer):
    rule = serializers.CharField()
    allowed = serializers.BooleanField()
    code = serializers.CharField()
    detail = serializers.CharField()
    inputs = serializers.DictField()


class TransitionShape(serializers.Serializer):
    vars()["from"] = serializers.ChoiceField(choices=ORDER_STATES, allow_null=True)
    to = serializers.ChoiceField(choices=ORDER_STATES)
    at = UtcTimeField()
    firm_at = UtcTimeField()
    actor = serializers.CharField()
    note = serializers.CharField()


class FillShape(serializers.Serializer):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    instrument = InstrumentField()
    side = serializers.ChoiceField(choices=SIDES)
    quantity = money()
    price = money()
    cost = money()
    fee = money()
    fee_asset = serializers.CharField()
    realized_pnl = money(why="Before fees; zero for a buy.")
    liquidity = serializers.CharField()
    account = serializers.CharField()
    venue_trade_id = serializers.CharField()
    traded_at = UtcTimeField()
    recorded_at = UtcTimeField()


class TriggerShape(serializers.Serializer):
    """What the order waits for."""

    state = serializers.ChoiceField(choices=["waiting", "at_venue", "hit", "ended"])
    price = money(nullable=True)
    fires = serializers.ChoiceField(choices=["at_or_below", "at_or_above"])
    then = serializers.ChoiceField(choices=["market", "limit"])
    best_price = money(nullable=True, why="The best price that a trailing stop has seen.")


class GroupMemberShape(serializers.Serializer):
    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=ROLES)
    state = serializers.ChoiceField(choices=ORDER_STATES)
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(choices=ROW_TYPES)
    quantity = money()
    filled_quantity = money()
    limit_price = money(nullable=True)
    stop_price = money(nullable=True)


class OrderGroupShape(serializers.Serializer):
    """Orders that belong together: the exits of held units, or an entry with its exits."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[OCO, BRACKET])
    units = money(nullable=True, why="What an oco may sell; null: what the entry bought.")
    take_profit_price = money(nullable=True)
    stop_loss_price = money(nullable=True)
    orders = GroupMemberShape(many=True)


class OrderPreviewShape(serializers.Serializer):
    allowed = serializers.BooleanField()
    summary = serializers.CharField()
    verdicts = VerdictShape(many=True)
    account = serializers.CharField()
    mark = money(nullable=True)
    quantity = money()
    value = money(nullable=True)
    reserves = money(nullable=True)
    reserves_asset = serializers.CharField()
    stop_price = money(nullable=True, why="The trigger; of a trailing stop where it would begin.")


class OrderShape(serializers.Serializer):
    id = serializers.UUIDField()
    client_order_id = serializers.CharField()
    portfolio_id = serializers.UUIDField()
    instrument = InstrumentField()
    state = serializers.ChoiceField(choices=ORDER_STATES)
    state_note = serializers.CharField()
    summary = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(choices=ROW_TYPES)
    time_in_force = serializers.ChoiceField(choices=TIMES_IN_FORCE)
    reduce_only = serializers.BooleanField()
    post_only = serializers.BooleanField()
    is_protective = serializers.BooleanField()
    reason = serializers.CharField()
    origin = serializers.ChoiceField(choices=ORIGINS)
    actor = serializers.CharField()
    quantity = money()
    notional = money(nullable=True)
    limit_price = money(nullable=True)
    stop_price = money(nullable=True)
    trail_pct = money(nullable=True)
    trail_amount = money(nullable=True)
    trigger = TriggerShape(allow_null=True)
    role = serializers.ChoiceField(choices=ROLES, allow_blank=True)
    group = OrderGroupShape(allow_null=True)
    replaces = serializers.UUIDField(allow_null=True)
    replaced_by = serializers.UUIDField(allow_null=True)
    filled_quantity = money()
    filled_cost = money()
    average_price = money(nullable=True)
    fees = money()
    reserved_amount = money()
    reserved_left = money()
    reserved_asset = serializers.CharField()
    decision_id = serializers.UUIDField(allow_null=True)
    agent_id = serializers.UUIDField(allow_null=True)
    correlation_id = serializers.CharField()
    cancel_wanted = serializers.BooleanField()
    reject_code = serializers.CharField()
    reject_detail = serializers.CharField()
    account = serializers.CharField()
    venue_order_id = serializers.CharField(allow_null=True)
    verdicts = VerdictShape(many=True)
    gate_digest = serializers.CharField()
    fills = FillShape(many=True)
    transitions = TransitionShape(many=True)
    proposed_at = UtcTimeField()
    proposed_firm_at = UtcTimeField()
    approved_at = UtcTimeField(allow_null=True)
    submitted_at = UtcTimeField(allow_null=True)
    accepted_firm_at = UtcTimeField(allow_null=True)
    triggered_firm_at = UtcTimeField(allow_null=True)
    expires_at = UtcTimeField(allow_null=True)
    done_at = UtcTimeField(allow_null=True)


class PostingShape(serializers.Serializer):
    asset = serializers.CharField()
    kind = serializers.ChoiceField(choices=LedgerKind.values)
    budget = serializers.CharField()
    amount = money()


class TransferShape(serializers.Serializer):
    id = serializers.UUIDField()
    account = serializers.CharField()
    cause = serializers.CharField()
    cause_id = serializers.CharField()
    order_id = serializers.UUIDField(allow_null=True)
    at = UtcTimeField()
    firm_at = UtcTimeField()
    postings = PostingShape(many=True)


class BalanceShape(serializers.Serializer):
    asset = serializers.CharField()
    kind = serializers.ChoiceField(choices=LedgerKind.values)
    budget = serializers.CharField()
    balance = money()


class LiveNeedShape(serializers.Serializer):
    code = serializers.CharField()
    met = serializers.BooleanField()
    detail = serializers.CharField()


class PublicKeyShape(serializers.Serializer):
    fingerprint = serializers.CharField()
    armored = serializers.CharField()


class AccountShape(serializers.Serializer):
    name = serializers.CharField()
    venue = serializers.CharField()
    mode = serializers.ChoiceField(choices=AccountMode.values)
    portfolio_id = serializers.UUIDField()
    base_currency = serializers.CharField()
    starting_capital = money()
    enabled = serializers.BooleanField()
    house = serializers.BooleanField(help_text="The account that the consensus trades.")
    has_keys = serializers.BooleanField()
    checked_at = UtcTimeField(allow_null=True, help_text="When the executor last opened the keys.")
    live_needs = LiveNeedShape(many=True)
    trouble_code = serializers.CharField()
    trouble = serializers.CharField(help_text="Why nothing can be traded on it at present; empty when it can.")
    created_at = UtcTimeField()
    created_by = serializers.CharField()
    enabled_at = UtcTimeField(allow_null=True)
    enabled_by = serializers.CharField()
    balances = BalanceShape(many=True)


class EquityShape(serializers.Serializer):
    at = UtcTimeField()
    recorded_at = UtcTimeField()
    equity = money()
    cash = money()
    reserved = money()
    market_value = money()
    realized_pnl = money()
    unrealized_pnl = money()
    fees_paid = money()
    drawdown_pct = money()
    adjusted_equity = money(why="In the scale of today's money: a deposit or withdrawal is no step of this curve.")
    return_pct = money(why="Time-weighted: of money that was there from the beginning.")
    stale = serializers.BooleanField()


class CauseShape(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    account = serializers.CharField(help_text="Empty: the whole house.")
    clears = serializers.CharField(help_text="What ends it.")
    well_since = UtcTimeField(allow_null=True, help_text="Since when what opened it is over; it closes after a while.")
    state = serializers.ChoiceField(choices=TRADING_STATES[1:])
    latched = serializers.BooleanField(help_text="Stays until a person with role risk resumes.")
    author = serializers.CharField()
    reason = serializers.CharField()
    facts = serializers.DictField()
    opened_at = UtcTimeField()
    opened_firm_at = UtcTimeField()
    closed_at = UtcTimeField(allow_null=True)
    closed_by = serializers.CharField()
    close_reason = serializers.CharField()


class LimitShape(serializers.Serializer):
    name = serializers.CharField()
    value = serializers.JSONField(help_text="A decimal string, or a whole number for counts.")
    default = serializers.JSONField()
    lowest = serializers.CharField()
    highest = serializers.CharField()
    meaning = serializers.CharField()


LimitsShape = type(
    "LimitsShape",
    (serializers.Serializer,),
    {
        "__module__": __name__,
        "version": serializers.IntegerField(),
        "author": serializers.CharField(),
        "reason": serializers.CharField(),
        "changed_at": UtcTimeField(allow_null=True),
        **{
            name: serializers.IntegerField() if isinstance(getattr(DEFAULT_LIMITS, name), int) else money()
            for name in LIMITS
        },
        "limits": LimitShape(many=True),
        "fees": serializers.DictField(child=serializers.CharField()),
        "stock_fees": serializers.DictField(child=serializers.CharField()),
    },
)
