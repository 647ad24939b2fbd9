"""What somebody wants to trade, checked for shape before any rule or row is touched."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.foundation.errors import Refused
from apps.trading.domain.orders.order_types import GROUP_TYPES, ORDER_TYPES, PRICE_FIELDS, TIMES_IN_FORCE, OrderType

SIDES = ("buy", "sell")
ORIGINS = ("manual", "consensus", "guard", "flatten")
MOST_TRAIL_PCT = Decimal(50)
LARGEST = Decimal(10) ** 12
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """A wish to trade: ``quantity`` (base) or ``notional`` (quote). ``privileged``: the person has role risk.

    ``account``: where to trade; None is the house's trading account. ``trail_pct`` is in percent, ``trail_amount`` in
    quote currency. Set by the house: ``group_id`` and ``role``, the group it belongs to and its part in it;
    ``replaces_id``, the order it takes the place of; ``trail_extreme`` and the first stop price of a trailing stop.
    """

    symbol: str
    side: str
    type: str = "market"
    quantity: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_pct: Decimal | None = None
    trail_amount: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
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
    account: str | None = None
    expected_edge_bps: float | None = None
    privileged: bool = False
    group_id: UUID | None = None
    role: str = ""
    replaces_id: UUID | None = None
    trail_extreme: Decimal | None = None

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
    if intent.type not in ORDER_TYPES:
        raise _invalid("type", intent.type, f"one of {', '.join(ORDER_TYPES)}")
    if intent.origin not in ORIGINS:
        raise _invalid("origin", intent.origin, f"one of {', '.join(ORIGINS)}")
    wanted = ORDER_TYPES[intent.type].side
    if wanted and intent.side != wanted:
        raise Refused(
            f"An order of type {intent.type} must be a {wanted}, was a {intent.side}: positions are long or flat.",
            code="side_not_applicable",
            field="side",
        )


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
    kind = ORDER_TYPES[intent.type]
    for field in PRICE_FIELDS:
        value = getattr(intent, field)
        if value is None and field in kind.needs:
            raise Refused(f"An order of type {intent.type} needs a {field}.", code="required", field=field)
        if value is not None and field not in kind.fields:
            raise Refused(
                f"An order of type {intent.type} takes no {field}, was {value}; leave it out.",
                code="not_applicable",
                field=field,
            )
        _check_positive(field, value)
    _check_choice(intent, kind)
    if intent.trail_pct is not None and intent.trail_pct > MOST_TRAIL_PCT:
        raise Refused(
            f"trail_pct is in percent and must be at most {MOST_TRAIL_PCT}, was {intent.trail_pct}.",
            code="too_large",
            field="trail_pct",
        )
    if intent.type in GROUP_TYPES:
        _check_exits(intent)


def _check_choice(intent: OrderIntent, kind: OrderType) -> None:
    given = [field for field in kind.needs_one_of if getattr(intent, field) is not None]
    if kind.needs_one_of and not given:
        raise Refused(
            f"An order of type {intent.type} needs {' or '.join(kind.needs_one_of)}.",
            code="required",
            field=kind.needs_one_of[0],
        )
    if intent.type == "trailing_stop" and len(given) > 1:
        raise Refused("Give either trail_pct or trail_amount; both were given.", code="ambiguous", field="trail_pct")


def _check_exits(intent: OrderIntent) -> None:
    """The stop-loss lies below, the take-profit above what is paid; prices of the same order only, no market."""
    floor, ceiling = intent.stop_loss_price, intent.take_profit_price
    entry = intent.limit_price if intent.limit_price is not None else intent.stop_price
    if floor is not None and ceiling is not None and floor >= ceiling:
        raise Refused(
            f"stop_loss_price must lie below take_profit_price {ceiling}, was {floor}.",
            code="exits_crossed",
            field="stop_loss_price",
        )
    if entry is not None and floor is not None and floor >= entry:
        raise Refused(
            f"stop_loss_price must lie below the entry price {entry}, was {floor}: it would sell at once.",
            code="exits_crossed",
            field="stop_loss_price",
        )
    if entry is not None and ceiling is not None and ceiling <= entry:
        raise Refused(
            f"take_profit_price must lie above the entry price {entry}, was {ceiling}: it would sell at once.",
            code="exits_crossed",
            field="take_profit_price",
        )
    if intent.type == "oco" and intent.quantity is None:
        raise Refused("An oco needs a quantity: the units it may sell.", code="required", field="quantity")


def _check_time_in_force(intent: OrderIntent) -> None:
    if intent.time_in_force not in TIMES_IN_FORCE:
        raise _invalid("time_in_force", intent.time_in_force, f"one of {', '.join(TIMES_IN_FORCE)}")
    offered = ORDER_TYPES[intent.type].times_in_force
    if intent.time_in_force not in offered:
        raise Refused(
            f"An order of type {intent.type} takes time_in_force {' or '.join(offered)}, was {intent.time_in_force}.",
            code="not_applicable",
            field="time_in_force",
        )
    if intent.time_in_force == "GTD" and intent.expires_firm is None:
        raise Refused("A GTD order needs expires_at.", code="required", field="expires_at")
    if intent.time_in_force != "GTD" and intent.expires_firm is not None:
        raise Refused("expires_at goes with time_in_force GTD only.", code="not_applicable", field="expires_at")
    if intent.post_only:
        _check_post_only(intent)


def _check_post_only(intent: OrderIntent) -> None:
    rests = intent.type == "limit" or (
        intent.type == "bracket" and intent.limit_price is not None and intent.stop_price is None
    )
    if not rests:
        raise Refused(
            "post_only goes with limit orders, and brackets that enter by one, only.",
            code="not_applicable",
            field="post_only",
        )
    if intent.time_in_force in {"IOC", "FOK"}:
        raise Refused(
            f"post_only waits in the book, {intent.time_in_force} never does; give time_in_force GTC or GTD.",
            code="not_applicable",
            field="post_only",
        )


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
