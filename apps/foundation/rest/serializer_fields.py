"""Fields that take exactly what the API promises: decimals as text, times with a zone, no unknown names."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.foundation.money import DIGITS, SCALE, plain
from apps.foundation.time_text import utc_text

_DECIMAL = re.compile(r"-?\d{1,400}(\.\d{1,400})?", re.ASCII)
INSTRUMENT = re.compile(r"[A-Z0-9.]{1,20}/[A-Z0-9]{2,12}", re.ASCII)
_SHOWN = 60


def shown(value: Any) -> str:
    """What was sent, short enough for a sentence."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@extend_schema_field({"type": "string", "format": "decimal", "example": "0.0021", "pattern": r"^-?\d+(\.\d+)?$"})
class DecimalText(serializers.Field):
    """A decimal as a string (``"0.0021"``) or a whole number; never a float, NaN, infinity or an exponent.

    ``minimum`` and ``above`` bound it: ``above=0`` (the default) means strictly positive, ``above=None`` lifts that.
    """

    default_error_messages = {
        "float_refused": 'Send a decimal as a string, such as "0.0021"; was the float {was}, which is not exact.',
        "not_a_decimal": 'Send a plain decimal as a string, such as "0.0021"; was {was}.',
        "too_many_decimals": "At most {scale} decimals are kept; was {was}.",
        "too_large": "At most {whole} digits stand before the point; was {was}.",
        "not_above": "Must be greater than {above}, was {was}.",
        "below_minimum": "Must be at least {minimum}, was {was}.",
    }

    def __init__(
        self, *, above: Decimal | int | None = 0, minimum: Decimal | int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.above = above
        self.minimum = minimum

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, float):
            self.fail("float_refused", was=shown(data))
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.fail("not_a_decimal", was=shown(data))
        text = str(data) if isinstance(data, int) else data.strip()
        if not _DECIMAL.fullmatch(text):
            self.fail("not_a_decimal", was=shown(data))
        whole, _, decimals = text.lstrip("-").partition(".")
        if len(decimals.rstrip("0")) > SCALE:
            self.fail("too_many_decimals", was=shown(data), scale=SCALE)
        if len(whole.lstrip("0")) > DIGITS - SCALE:
            self.fail("too_large", was=shown(data), whole=DIGITS - SCALE)
        return self._bounded(Decimal(text), data)

    def _bounded(self, number: Decimal, data: Any) -> Decimal:
        if self.minimum is not None and number < self.minimum:
            self.fail("below_minimum", was=shown(data), minimum=self.minimum)
        if self.minimum is None and self.above is not None and number <= self.above:
            self.fail("not_above", was=shown(data), above=self.above)
        return number

    def to_representation(self, value: Decimal | str) -> str | None:
        return value if isinstance(value, str) else plain(value)


@extend_schema_field({"type": "string", "example": "BTC/USDT"})
class InstrumentField(serializers.Field):
    """An instrument's symbol, ``BTC/USDT``. Its shape is judged here; whether it exists, by the operation."""

    default_error_messages = {"not_a_symbol": "An instrument is written BASE/QUOTE, such as BTC/USDT; was {was}."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not INSTRUMENT.fullmatch(data):
            self.fail("not_a_symbol", was=shown(data))
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-01-31T12:00:00Z"})
class UtcTimeField(serializers.Field):
    """A time in ISO 8601 that names its zone; leaves as UTC with ``Z``."""

    default_error_messages = {
        "not_a_time": "A time is written in ISO 8601, such as 2026-01-31T12:00:00Z; was {was}.",
        "no_zone": "The time must name its zone, such as 2026-01-31T12:00:00Z; was {was}.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str):
            self.fail("not_a_time", was=shown(data))
        try:
            # A plus sign in a query string arrives as a space.
            at = datetime.fromisoformat(data.strip().replace(" ", "+"))
        except ValueError:
            self.fail("not_a_time", was=shown(data))
        if at.tzinfo is None:
            self.fail("no_zone", was=shown(data))
        try:
            return at.astimezone(UTC)
        except OverflowError:
            self.fail("not_a_time", was=shown(data))

    def to_representation(self, value: datetime | str) -> str:
        return value if isinstance(value, str) else utc_text(value)


class IdField(serializers.UUIDField):
    """The id of something that exists. ``found_at``: the list that tells ids, for who sends a name instead."""

    def __init__(self, *, found_at: str, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages["invalid"] = f"Its id is wanted, which {found_at} tells; was {{value!r:.{_SHOWN}}}."


class StrictSerializer(serializers.Serializer[Any]):
    """A request body in which an unknown name is an error: a mistyped ``reduce_only`` must not be silently dropped.
    Who chose what can't be chosen is told the choices.
    """

    def get_fields(self) -> dict[str, Any]:
        """The declared fields, those of a choice with a refusal that names what can be chosen."""
        fields = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                names = ", ".join(str(choice) for choice in field.choices)
                field.error_messages["invalid_choice"] = f"{{input!r:.{_SHOWN}}} is none of {names}."
        return fields

    @classmethod
    def checked(cls, data: Any) -> dict[str, Any]:
        """What ``data`` holds, in our types. Raises ``ValidationError`` naming each field at fault."""
        return dict(_form_of(cls).run_validation(data))

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
                text = f"This field is not known here. Known: {known or 'none'}."
                raise serializers.ValidationError(
                    {name[:_SHOWN]: [text] for name in unknown[:20]}, code="unknown_field"
                )
        return super().to_internal_value(data)


@cache
def _form_of(kind: type[StrictSerializer]) -> StrictSerializer:
    """One for all requests: checking keeps nothing on it, and making one copies each of its fields."""
    return kind()
