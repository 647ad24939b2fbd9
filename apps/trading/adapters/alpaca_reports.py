"""Alpaca's answers as the port's values. Whatever can't be true raises ``ValueError`` with what was found."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from apps.foundation.money import ZERO
from apps.trading.ports import VenueFill, VenueOrderState, VenueReport

CURRENCY = "USD"
_AT_WORK = frozenset(
    {
        "new",
        "accepted",
        "pending_new",
        "accepted_for_bidding",
        "partially_filled",
        "pending_cancel",
        "pending_replace",
        "pending_review",
        "held",
        "stopped",
        "suspended",
        "calculated",
        "done_for_day",
    }
)
_ENDED: Mapping[str, VenueOrderState] = {
    "filled": "FILLED",
    "canceled": "CANCELED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
    "replaced": "CANCELED",
}


def report_of(answer: Mapping[str, Any]) -> VenueReport:
    """One order. A state that is not known here is nonsense, not a guess."""
    status, filled = _text(answer, "status"), number(answer, "filled_qty", least=ZERO)
    quantity = None if answer.get("qty") is None else number(answer, "qty", least=ZERO)
    if quantity is not None and filled > quantity:
        raise ValueError(f"filled_qty was {filled} of {quantity}")
    return VenueReport(
        client_order_id=_text(answer, "client_order_id"),
        venue_order_id=_text(answer, "id"),
        symbol=house_symbol(_text(answer, "symbol")),
        state=_state(status, filled),
        filled_quantity=filled,
        accepted_firm=time_of(answer.get("submitted_at") or answer.get("created_at")),
        reason=_reason(status, answer),
        side=_side(answer),
        type=_text(answer, "type"),
        quantity=quantity,
        limit_price=None if answer.get("limit_price") is None else number(answer, "limit_price", least=ZERO),
    )


def fill_of(activity: Mapping[str, Any]) -> VenueFill:
    """One trade. Alpaca names no client order id here, and takes no commission: fees are postings of their own."""
    quantity, price = number(activity, "qty", least=ZERO), number(activity, "price", least=ZERO)
    if not quantity or not price:
        raise ValueError(f"a fill of {quantity} at {price}")
    return VenueFill(
        venue_trade_id=_text(activity, "id"),
        client_order_id="",
        venue_order_id=_text(activity, "order_id"),
        symbol=house_symbol(_text(activity, "symbol")),
        side=_side(activity),
        quantity=quantity,
        price=price,
        fee=ZERO,
        fee_asset=CURRENCY,
        liquidity="taker",
        executed_firm=time_of(activity.get("transaction_time")),
    )


def house_symbol(symbol: str) -> str:
    """``AAPL/USD`` for ``AAPL``; a pair stays what it is."""
    return symbol if "/" in symbol else f"{symbol}/{CURRENCY}"


def broker_symbol(symbol: str) -> str:
    """``AAPL`` for ``AAPL/USD``."""
    return symbol.removesuffix(f"/{CURRENCY}")


def number(answer: Mapping[str, Any], name: str, *, least: Decimal | None = None) -> Decimal:
    """An exact number out of text or JSON; ``ValueError`` for what is missing, no number, or below ``least``."""
    value = answer.get(name)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} was {value!r}") from None
    if isinstance(value, bool) or not found.is_finite() or (least is not None and found < least):
        raise ValueError(f"{name} was {value!r}")
    return found


def time_of(value: Any) -> datetime:
    """A time with a zone, in UTC. Alpaca sends up to nine decimals of a second; six are kept."""
    if not isinstance(value, str):
        raise ValueError(f"a time was {value!r}")  # noqa: TRY004 - one error for all nonsense
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(f"a time had no zone: {value!r}")
    return found.astimezone(UTC)


def _state(status: str, filled: Decimal) -> VenueOrderState:
    if status in _AT_WORK:
        return "PARTIALLY_FILLED" if filled else "OPEN"
    if status not in _ENDED:
        raise ValueError(f"status was {status!r}")
    return _ENDED[status]


def _reason(status: str, answer: Mapping[str, Any]) -> str:
    if status == "replaced":
        return f"Replaced by {answer.get('replaced_by')}."
    return "" if status in {"new", "accepted", "filled", "partially_filled"} else f"Alpaca says {status}."


def _side(answer: Mapping[str, Any]) -> Literal["buy", "sell"]:
    side = _text(answer, "side")
    if side == "buy":
        return "buy"
    if side in {"sell", "sell_short"}:
        return "sell"
    raise ValueError(f"side was {side!r}")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} was {value!r}")
    return value
