"""What clients send to the trading room: shapes only; what it means is judged by the operation."""

from typing import Any

from rest_framework import serializers

from apps.foundation.errors import Refused
from apps.foundation.rest.serializer_fields import DecimalText, InstrumentField, StrictSerializer, UtcTimeField
from apps.trading.domain.orders.order_intent import LONGEST_REASON, SIDES
from apps.trading.domain.orders.order_types import ORDER_TYPES, TIMES_IN_FORCE
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LIMITS
from apps.trading.domain.venues.venues import PAPER, REAL_VENUES
from apps.trading.models import AccountMode

OPENABLE = (PAPER, *REAL_VENUES)


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
    limit_price = DecimalText(required=False, allow_null=True, help_text="Of a bracket: its entry's limit.")
    stop_price = DecimalText(required=False, allow_null=True, help_text="The trigger; of a bracket: its entry's.")
    trail_pct = DecimalText(required=False, allow_null=True, help_text="In percent of the best price seen.")
    trail_amount = DecimalText(required=False, allow_null=True, help_text="In quote currency; instead of trail_pct.")
    take_profit_price = DecimalText(required=False, allow_null=True, help_text="Of oco and bracket.")
    stop_loss_price = DecimalText(required=False, allow_null=True, help_text="Of oco and bracket.")
    time_in_force = serializers.ChoiceField(choices=TIMES_IN_FORCE, default="GTC")
    expires_at = UtcTimeField(required=False, allow_null=True, help_text="With GTD: on the firm clock.")
    reduce_only = serializers.BooleanField(default=False)
    post_only = serializers.BooleanField(default=False)
    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


class AmendOrderRequest(StrictSerializer):
    """The new values; what is left out stays. ``quantity`` is the new total, what is filled already included."""

    quantity = DecimalText(required=False)
    limit_price = DecimalText(required=False)
    stop_price = DecimalText(required=False, help_text="The trigger; of an armed exit the only value that can change.")
    trail_pct = DecimalText(required=False)
    trail_amount = DecimalText(required=False)
    expires_at = UtcTimeField(required=False, help_text="Of a GTD order, on the firm clock.")
    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


PLAIN_KEYS = ("api_key", "apiKey", "key", "secret", "api_secret", "apiSecret", "password", "private_key", "keys")


def without_plain_keys(data: Any) -> Any:
    """``data`` as it is. Raises ``Refused`` (``plain_keys``) where it names keys that are not sealed."""
    named = sorted(set(PLAIN_KEYS) & set(data)) if isinstance(data, dict) else []
    if named:
        raise Refused(
            f"Plain keys are refused here ({', '.join(named)}): seal them with manage.py seal_key and send sealed_keys."
            " If these were real keys, withdraw them at the venue: they may have been seen.",
            code="plain_keys",
            field=named[0],
        )
    return data


class OpenAccountRequest(StrictSerializer):
    name = serializers.SlugField(max_length=40, help_text="Lower case; never changes.")
    venue = serializers.ChoiceField(choices=OPENABLE)
    mode = serializers.ChoiceField(choices=AccountMode.values, default="paper")
    currency = serializers.RegexField(r"^[A-Z0-9]{2,10}$", help_text="USDT, USD, EUR ...")
    capital = DecimalText(help_text="How much of it the house may trade with there.")
    sealed_keys = serializers.CharField(
        max_length=20_000, default="", allow_blank=True, help_text="An armored PGP message to the firm's key."
    )


class SealedKeysRequest(StrictSerializer):
    sealed_keys = serializers.CharField(max_length=20_000, help_text="An armored PGP message to the firm's key.")


class StepReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Kept with the step.")


class ReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


class ClosePositionRequest(ReasonRequest):
    account = serializers.CharField(
        max_length=40, required=False, allow_null=True, help_text="Left out: the account that the house trades."
    )


class BudgetRequest(StrictSerializer):
    amount = DecimalText(minimum=0, help_text="Free money the agent has afterwards, in the account's currency.")
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Kept with the change.")
    account = serializers.CharField(
        max_length=40, required=False, allow_null=True, help_text="Left out: the account that the house trades."
    )


def _limit_field(name: str) -> serializers.Field:
    lowest, highest, meaning = LIMITS[name]
    hint = f"{meaning} From {lowest:f} to {highest:f}."
    if isinstance(getattr(DEFAULT_LIMITS, name), int):
        return serializers.IntegerField(required=False, help_text=hint)
    return DecimalText(required=False, minimum=0, help_text=hint)


ChangeLimitsRequest: type[StrictSerializer] = type(
    "ChangeLimitsRequest",
    (StrictSerializer,),
    {
        "__doc__": "Any of the limits, and the reason for the change.",
        "__module__": __name__,
        "reason": serializers.CharField(max_length=LONGEST_REASON),
        **{name: _limit_field(name) for name in LIMITS},
    },
)
