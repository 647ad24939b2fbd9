"""The order states and the only legal moves between them. The database trigger is generated from this table."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise


class OrderState(StrEnum):
    PROPOSED = "PROPOSED"
    DENIED = "DENIED"
    APPROVED = "APPROVED"
    ARMED = "ARMED"
    SUBMITTING = "SUBMITTING"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    NOT_PLACED = "NOT_PLACED"


_S = OrderState
_ANSWERS = (_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED)

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PROPOSED: frozenset({_S.DENIED, _S.APPROVED}),
    # UNKNOWN without SUBMITTING: the venue has it, so a record that is lost had sent it.
    _S.APPROVED: frozenset({_S.ARMED, _S.SUBMITTING, _S.UNKNOWN, _S.CANCELED, _S.EXPIRED}),
    _S.ARMED: frozenset({_S.SUBMITTING, _S.UNKNOWN, _S.DENIED, _S.CANCELED, _S.EXPIRED}),
    _S.SUBMITTING: frozenset({*_ANSWERS, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({*_ANSWERS, _S.NOT_PLACED}),
    _S.ACCEPTED: frozenset(
        {_S.PARTIALLY_FILLED, _S.FILLED, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED, _S.REJECTED},
    ),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED}),
    _S.PENDING_CANCEL: frozenset({_S.CANCELED, _S.FILLED, _S.PARTIALLY_FILLED, _S.ACCEPTED, _S.EXPIRED}),
    _S.DENIED: frozenset(),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.NOT_PLACED: frozenset(),
}

# A row may be born past PROPOSED, since proposal and verdict commit together; the trigger then records the whole path.
BIRTH_PATHS: dict[OrderState, tuple[OrderState, ...]] = {
    _S.PROPOSED: (_S.PROPOSED,),
    _S.DENIED: (_S.PROPOSED, _S.DENIED),
    _S.APPROVED: (_S.PROPOSED, _S.APPROVED),
    _S.ARMED: (_S.PROPOSED, _S.APPROVED, _S.ARMED),
}

TERMINAL: frozenset[OrderState] = frozenset(state for state, after in TRANSITIONS.items() if not after)
OPEN: frozenset[OrderState] = frozenset(TRANSITIONS) - TERMINAL
# The venue may hold the order: only its answer ends it.
AT_VENUE: frozenset[OrderState] = frozenset(
    {_S.SUBMITTING, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL},
)
# Nothing of it has left this house, as far as its books know.
UNSENT: frozenset[OrderState] = frozenset({_S.APPROVED, _S.ARMED})


class IllegalTransitionError(AssertionError):
    """A move that the table doesn't know; a programming error, never a person's."""


def may_move(before: str, after: str) -> bool:
    """Whether the table has this move. Staying in a state is no move."""
    return OrderState(after) in TRANSITIONS[OrderState(before)]


def require_move(before: str, after: str) -> None:
    """Raise ``IllegalTransitionError`` unless the table has this move."""
    if not may_move(before, after):
        raise IllegalTransitionError(f"An order in {before} can't become {after}.")


def path_is_legal(path: Iterable[str]) -> bool:
    """Whether a whole history begins in PROPOSED and only makes moves of the table."""
    states = list(path)
    return bool(states) and states[0] == _S.PROPOSED and all(may_move(a, b) for a, b in pairwise(states))
