"""What clients send to the trading room: shapes only; what it means is judged by the operation."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import DecimalText, InstrumentField, StrictSerializer, UtcTimeField
from apps.trading.domain.order_intent import LONGEST_REASON, SIDES, TIMES_IN_FORCE
from apps.trading.domain.order_types import ORDER_TYPES
from apps.trading.domain.risk_limits import DEFAULT_LIMITS, LIMITS


class ProposeOrderRequest(StrictSerializer):
    account = serializers.CharField(
        max_length=40, required=False, allow_null=True, help_text="Left out: the account that the house trades."
    )
    instrument = InstrumentField()
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(
        choices=list(ORDER_TYPES),
        default="market",
        help_text=" ".join(f"{each.name}: {each.meaning}" for each in ORDER_TYPES.values()),
    )
    quantity = DecimalText(required=False, allow_null=True, help_text="Base units; give this or notional.")
    notional = DecimalText(required=False, allow_null=True, help_text="Quote currency, rounded down to the step.")
    limit_price = DecimalText(required=False, allow_null=True)
    stop_price = DecimalText(required=False, allow_null=True)
    trail_pct = DecimalText(required=False, allow_null=True)
    time_in_force = serializers.ChoiceField(choices=TIMES_IN_FORCE, default="GTC")
    expires_at = UtcTimeField(required=False, allow_null=True, help_text="With GTD: on the firm clock.")
    reduce_only = serializers.BooleanField(default=False)
    post_only = serializers.BooleanField(default=False)
    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


class ReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


class ClosePositionRequest(ReasonRequest):
    account = serializers.CharField(
        max_length=40, required=False, allow_null=True, help_text="Left out: the account that the house trades."
    )


def _limit_field(name: str) -> serializers.Field:
    lowest, highest, meaning = LIMITS[name]
    hint = f"{meaning} From {lowest:f} to {highest:f}."
    if isinstance(getattr(DEFAULT_LIMITS, name), int):
        return serializers.IntegerField(required=False, help_text=hint)
    return DecimalText(required=False, minimum=0, help_text=hint)


ChangeLimitsRequest = type(
    "ChangeLimitsRequest",
    (StrictSerializer,),
    {
        "__doc__": "Any of the limits, and the reason for the change.",
        "__module__": __name__,
        "reason": serializers.CharField(max_length=LONGEST_REASON),
        **{name: _limit_field(name) for name in LIMITS},
    },
)
