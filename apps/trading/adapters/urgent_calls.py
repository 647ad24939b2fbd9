"""Which calls of a venue cancel or reduce risk: they may use the room that the shared rate keeps for those."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HELD_BACK = "house_rate_limited"  # the code of a call that got no turn: nothing was asked, the venue has no part in it
_reduces_risk: ContextVar[bool] = ContextVar("reduces_risk", default=False)


@contextmanager
def reducing_risk(yes: bool = True) -> Iterator[None]:
    """Calls made inside cancel or reduce risk."""
    token = _reduces_risk.set(yes)
    try:
        yield
    finally:
        _reduces_risk.reset(token)


def is_urgent() -> bool:
    """Whether the running call cancels or reduces risk."""
    return _reduces_risk.get()
