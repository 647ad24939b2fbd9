"""ACTIVE, REDUCING or HALTED: the worst of all open causes, and what each permits."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class TradingState(StrEnum):
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


_SEVERITY = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}
# These may reduce even while halted; a person needs role risk for it.
_REDUCERS_IN_HALT = frozenset({"guard", "flatten"})


@dataclass(frozen=True, slots=True)
class OpenCause:
    """One reason why trading is restricted; an empty ``account`` restricts the whole house."""

    kind: str
    state: TradingState
    reason: str
    latched: bool = True
    account: str = ""


def worst(states: Iterable[TradingState | str]) -> TradingState:
    """The most restrictive of the states; ACTIVE when there is none."""
    return max((TradingState(state) for state in states), key=_SEVERITY.__getitem__, default=TradingState.ACTIVE)


def permits(state: TradingState, *, reducing: bool, reduce_only: bool, origin: str, privileged: bool) -> bool:
    """Whether an order may be created in this state.

    REDUCING takes orders that lower a position. HALTED takes only those marked reduce-only, and only from the stop
    guard, from flatten or from a person with role risk (``privileged``).
    """
    if state == TradingState.ACTIVE:
        return True
    if state == TradingState.REDUCING:
        return reducing
    return reducing and reduce_only and (origin in _REDUCERS_IN_HALT or privileged)
