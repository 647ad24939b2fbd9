"""What somebody wants to trade, checked for shape before any rule or row is touched."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.foundation.errors import Refused

SIDES = ("buy", "sell")
SUPPORTED_TYPES = ("market", "limit", "stop")
KNOWN_TYPES = (*SUPPORTED_TYPES, "stop_limit", "take_profit", "trailing_stop", "oco", "bracket")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTD")
ORIGINS = ("manual", "consensus", "guard", "flatten")
TRIGGERED_TYPES = frozenset({"stop"})
LARGEST = Decimal(10) ** 12
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """A wish to trade: ``quantity`` (base) or ``notional`` (quote). ``privileged``: the person has role risk."""

    symbol: str
    side: str
    type: str = "market"
    quantity: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_pct: Decimal | None = None
    time_in_force: str = "GTC"
    reduce_only: bool = False
    post_only: bool = False
    expires_firm: datetime | None = None
    reason: str = ""
    origin: str = "manual"
    actor: str = "system"
    decision_id: UUID | None = None
    agent_id: UUID | None = None
    order_id: UUID | None = None
    expected_edge_bps: float | None = None
    privileged: bool = False

    @property
    def reducing(self) -> bool:
        """Whether it can only lower a position: on spot, long only, every sale does."""
        return self.side == "sell"


def check_intent(intent: OrderIntent) -> None:
    """Raise ``Refused`` naming the field, what it was and the remedy, for the first thing that can't be understood."""
    _check_words(intent)
    _check_amount(intent)
    _check_prices(intent)
    _check_time_in_force(intent)
    if intent.reduce_only and not intent.reducing:
        raise Refused(
            "A reduce-only order must be a sell: positions are long or flat.", code="invalid", field="reduce_only"
        )
    if len(intent.reason) > LONGEST_REASON:
        raise Refused(
            f"reason must have at most {LONGEST_REASON} characters, had {len(intent.reason)}.",
            code="too_long",
            field="reason",
        )


def _check_words(intent: OrderIntent) -> None:
    if intent.side not in SIDES:
        raise _invalid("side", intent.side, "buy or sell")
    if intent.type not in SUPPORTED_TYPES:
        if intent.type in KNOWN_TYPES:
            raise Refused(
                f"Orders of type {intent.type} are not supported yet; supported are {', '.join(SUPPORTED_TYPES)}.",
                code="order_type_unsupported",
                field="type",
            )
        raise _invalid("type", intent.type, f"one of {', '.join(SUPPORTED_TYPES)}")
    if intent.origin not in ORIGINS:
        raise _invalid("origin", intent.origin, f"one of {', '.join(ORIGINS)}")


def _check_amount(intent: OrderIntent) -> None:
    if (intent.quantity is None) == (intent.notional is None):
        given = "neither" if intent.quantity is None else "both"
        raise Refused(
            f"Give either quantity or notional; {given} was given.",
            code="required" if intent.quantity is None else "ambiguous",
            field="quantity",
        )
    _check_positive("quantity", intent.quantity)
    _check_positive("notional", intent.notional)


def _check_prices(intent: OrderIntent) -> None:
    for field, value, wanted in (
        ("limit_price", intent.limit_price, intent.type == "limit"),
        ("stop_price", intent.stop_price, intent.type == "stop"),
        ("trail_pct", intent.trail_pct, False),
    ):
        if wanted and value is None:
            raise Refused(f"An order of type {intent.type} needs a {field}.", code="required", field=field)
        if not wanted and value is not None:
            raise Refused(
                f"An order of type {intent.type} takes no {field}, was {value}; leave it out.",
                code="not_applicable",
                field=field,
            )
        _check_positive(field, value)


def _check_time_in_force(intent: OrderIntent) -> None:
    if intent.time_in_force not in TIMES_IN_FORCE:
        raise _invalid("time_in_force", intent.time_in_force, f"one of {', '.join(TIMES_IN_FORCE)}")
    if intent.time_in_force == "GTD" and intent.expires_firm is None:
        raise Refused("A GTD order needs expires_at.", code="required", field="expires_at")
    if intent.time_in_force != "GTD" and intent.expires_firm is not None:
        raise Refused("expires_at goes with time_in_force GTD only.", code="not_applicable", field="expires_at")
    if intent.post_only and intent.type != "limit":
        raise Refused("post_only goes with limit orders only.", code="not_applicable", field="post_only")


def _check_positive(field: str, value: Decimal | None) -> None:
    if value is None:
        return
    if not isinstance(value, Decimal):
        raise TypeError(f"{field} must be a Decimal, was {type(value).__name__}.")
    if not value.is_finite():
        raise Refused(f"{field} must be a finite number, was {value}.", code="not_a_number", field=field)
    if value <= 0:
        raise Refused(f"{field} must be above zero, was {value}.", code="not_positive", field=field)
    if value > LARGEST:
        raise Refused(f"{field} must be at most {LARGEST:f}, was {value}.", code="too_large", field=field)


def _invalid(field: str, was: str, wanted: str) -> Refused:
    return Refused(f"{field} must be {wanted}, was {was!r}.", code="invalid_choice", field=field)
