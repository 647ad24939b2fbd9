"""What may differ between our books and a venue, what each difference holds up, and what a person may choose. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class BreakKind(StrEnum):
    UNKNOWN_ORDER = "unknown_order"  # at the venue in the form of our ids, but our books have no such order at work
    MISSING_FILL = "missing_fill"  # the venue made a trade of ours that our books lack
    OVER_FILL = "over_fill"  # a trade larger than its order, or than what we hold
    BALANCE_GAP = "balance_gap"
    POSITION_GAP = "position_gap"
    FOREIGN_ORDER = "foreign_order"
    FOREIGN_TRADE = "foreign_trade"
    BAD_ANSWER = "bad_answer"
    ORDER_GONE = "order_gone"  # at work in our books, unknown to the venue
    UNDECIDED_ORDER = "undecided_order"  # sent, and nobody could find out what became of it


class BreakState(StrEnum):
    OPEN = "OPEN"
    HEALED = "HEALED"  # the house closed it, by evidence
    RESOLVED = "RESOLVED"  # a person chose


class Choice(StrEnum):
    ACCEPT_TRANSFER = "accept_transfer"
    ADOPT_TRADE = "adopt_trade"
    CANCEL_ORDER = "cancel_order"
    ATTEST_NOT_PLACED = "attest_not_placed"
    ATTEST_CANCELED = "attest_canceled"
    IGNORE = "ignore"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Option:
    """A choice and its consequence in words."""

    choice: Choice
    label: str
    consequence: str


_ACCEPT = Option(
    Choice.ACCEPT_TRANSFER,
    "Accept as a deposit or withdrawal",
    "Our books post the difference as money or units that came in from, or went out to, the world outside. Starting "
    "capital and loss marks move with it, so that it counts neither as profit nor as loss.",
)
_ADOPT = Option(
    Choice.ADOPT_TRADE,
    "Adopt the trade",
    "The trade enters our books as the venue told it: order, fill, position and ledger. A position it opens gets a "
    "stop of its own.",
)
_CANCEL = Option(
    Choice.CANCEL_ORDER,
    "Cancel the order at the venue",
    "The executor asks the venue to cancel it. The break closes once the venue no longer works it.",
)
_NOT_PLACED = Option(
    Choice.ATTEST_NOT_PLACED,
    "Attest: it was never placed",
    "The order ends as NOT_PLACED on your word and its funds are free for new orders. If the venue did take it, its "
    "trades still come in, but the money may have been spent twice.",
)
_CANCELED = Option(
    Choice.ATTEST_CANCELED,
    "Attest: it was canceled at the venue",
    "The order ends as CANCELED on your word and its funds are free for new orders. If it still works at the venue, "
    "its trades still come in, but the money may have been spent twice.",
)
_IGNORE = Option(
    Choice.IGNORE,
    "Ignore this once",
    "Nothing is posted and the instrument may be traded again. Exactly this difference is not raised again; another "
    "amount, or another trade, is.",
)
_STAY = Option(
    Choice.STAY,
    "Stay quarantined",
    "The break stays open with your reason. Orders that add risk stay refused, reducing ones stay possible.",
)

OPTIONS: dict[BreakKind, tuple[Option, ...]] = {
    BreakKind.UNKNOWN_ORDER: (_CANCEL, _IGNORE, _STAY),
    BreakKind.MISSING_FILL: (_ADOPT, _IGNORE, _STAY),
    BreakKind.OVER_FILL: (_ADOPT, _IGNORE, _STAY),
    BreakKind.BALANCE_GAP: (_ACCEPT, _IGNORE, _STAY),
    BreakKind.POSITION_GAP: (_ACCEPT, _IGNORE, _STAY),
    BreakKind.FOREIGN_ORDER: (_CANCEL, _IGNORE, _STAY),
    BreakKind.FOREIGN_TRADE: (_ADOPT, _IGNORE, _STAY),
    BreakKind.BAD_ANSWER: (_IGNORE, _STAY),
    BreakKind.ORDER_GONE: (_CANCELED, _STAY),
    BreakKind.UNDECIDED_ORDER: (_NOT_PLACED, _CANCELED, _STAY),
}

WHAT_TO_DO: dict[BreakKind, str] = {
    BreakKind.UNKNOWN_ORDER: "Find out who sent it (a second copy of this house, a restored database), then cancel it.",
    BreakKind.MISSING_FILL: "Look the trade up at the venue. If it is there as described, adopt it.",
    BreakKind.OVER_FILL: "Look the trade up at the venue. Adopt it if it is real, ignore it if the venue took it back.",
    BreakKind.BALANCE_GAP: "Look for a deposit, a withdrawal or a fee at the venue. Accept it if it explains it.",
    BreakKind.POSITION_GAP: "Look for units moved in or out at the venue. Accept them when they explain the amount.",
    BreakKind.FOREIGN_ORDER: "Somebody else trades on this account. Cancel the order, or ignore it if it is yours.",
    BreakKind.FOREIGN_TRADE: "Somebody else trades on this account. Adopt the trade so that our books match, stop the "
    "other trader or change the key, then resume trading with a reason.",
    BreakKind.BAD_ANSWER: "Compare the answer below with what the venue's own screen shows.",
    BreakKind.ORDER_GONE: "Look the order up at the venue. Attest that it was canceled if it is nowhere to be found.",
    BreakKind.UNDECIDED_ORDER: "Look the order up at the venue by its client order id, then attest what became of it.",
}

# Told of once: the same trade or answer that was closed is not opened again. The others come back while they last.
EVENTS: frozenset[BreakKind] = frozenset(
    {BreakKind.MISSING_FILL, BreakKind.OVER_FILL, BreakKind.FOREIGN_TRADE, BreakKind.BAD_ANSWER}
)


def needs_person(kind: BreakKind) -> bool:
    """Whether nothing but a person's choice, or the difference going away, closes such a break."""
    return kind != BreakKind.MISSING_FILL


def options_of(kind: str) -> tuple[Option, ...]:
    """What a person may choose, the recommended one first."""
    return OPTIONS[BreakKind(kind)]
