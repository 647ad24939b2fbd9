"""Plain sentences about a decision, built from stored facts only."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import plain

_DONE = {"buy": "bought", "sell": "sold"}
_DOING = {"buy": "buying", "sell": "selling"}


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order of a decision as it stands now; ``price`` is the average of its fills."""

    side: str
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    state: str
    rules_passed: int
    rules_judged: int


@dataclass(frozen=True, slots=True)
class VoteFacts:
    """How the agents stood: of ``asked``, ``in_favour`` pulled the decision's way, ``leader`` furthest with
    ``strength``.
    """

    asked: int
    in_favour: int
    leader: str
    strength: float


def headline(*, outcome: str, reason: str, votes: VoteFacts | None, order: OrderFacts | None) -> str:
    """One line for the feed, such as ``bought 0.0021 at 63,120.5. 3 of 4 agents, momentum led (0.71). Risk: 9 of 9
    passed.``
    """
    if outcome == "ORDER" and order is not None:
        return _sentences(_order_words(order), _vote_words(votes), _risk_words(order))
    if outcome == "DENIED" and order is not None:
        return _sentences(
            f"denied {_DOING[order.side]} {number(order.quantity)}. {reason}", _vote_words(votes), _risk_words(order)
        )
    word = {"DENIED": "denied", "SKIPPED": "skipped", "ORDER": "ordered"}.get(outcome, "no trade")
    return _sentences(word, reason)


def number(value: Decimal) -> str:
    """A decimal for people: thousands separated, no trailing zeros."""
    whole, _, decimals = (plain(value) or "0").partition(".")
    grouped = f"{int(whole):,}" if whole.lstrip("-") else whole
    return f"{grouped}.{decimals}" if decimals else grouped


def rounded_price(value: Decimal) -> Decimal:
    """An average price at eight significant digits, enough for every instrument's tick."""
    return +value.quantize(Decimal(1).scaleb(min(0, value.adjusted() - 7))) if value else value


def _order_words(order: OrderFacts) -> str:
    if order.filled and order.price is not None:
        part = "" if order.filled == order.quantity else f" of {number(order.quantity)}"
        return f"{_DONE[order.side]} {number(order.filled)}{part} at {number(rounded_price(order.price))}"
    if order.state in {"REJECTED", "CANCELED", "EXPIRED", "DENIED", "NOT_PLACED"}:
        return f"{_DONE[order.side]} nothing: the order was {order.state.lower().replace('_', ' ')}"
    return f"{_DOING[order.side]} {number(order.quantity)}"


def _vote_words(votes: VoteFacts | None) -> str:
    if votes is None:
        return ""
    led = f", {votes.leader} led ({votes.strength:.2f})" if votes.leader else ""
    return f"{votes.in_favour} of {votes.asked} agents{led}"


def _risk_words(order: OrderFacts) -> str:
    return f"Risk: {order.rules_passed} of {order.rules_judged} passed" if order.rules_judged else ""


def _sentences(*parts: str) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)
