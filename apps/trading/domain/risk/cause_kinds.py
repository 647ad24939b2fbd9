"""The kinds of causes that restrict trading: what each is called, and what ends it. Pure."""

from dataclasses import dataclass
from datetime import timedelta

OPERATOR_STOP, DAILY_LOSS, DRAWDOWN = "operator_stop", "daily_loss", "drawdown"
FAILED_INVARIANT, FOREIGN_TRADE = "failed_invariant", "foreign_trade"
RESTORED = "restored"
VENUE_HEALTH, CLOCK_SKEW, UNKNOWN_CAP = "venue_health", "clock_skew", "unknown_cap"
STALE_DATA, TAKEOVER, RECONCILING = "stale_data", "takeover", "reconciling"

WELL_FOR = timedelta(seconds=15)  # that a self-clearing condition must have been over before its cause closes


@dataclass(frozen=True, slots=True)
class CauseKind:
    """``latched``: only a person with role risk ends it, with a reason. ``clears``: what ends it, in a sentence."""

    latched: bool
    clears: str


_BY_A_PERSON = "A person with role risk resumes trading with a reason."
KINDS = {
    OPERATOR_STOP: CauseKind(True, _BY_A_PERSON),
    DAILY_LOSS: CauseKind(True, f"{_BY_A_PERSON} The day's loss is measured anew from then on."),
    DRAWDOWN: CauseKind(True, f"{_BY_A_PERSON} The fall is measured anew from then on."),
    FAILED_INVARIANT: CauseKind(True, f"First make the books balance again (`manage.py verify_books`). {_BY_A_PERSON}"),
    FOREIGN_TRADE: CauseKind(True, f"First settle the break in the queue. {_BY_A_PERSON}"),
    RESTORED: CauseKind(True, f"First every enabled account is compared with its venue. {_BY_A_PERSON}"),
    VENUE_HEALTH: CauseKind(False, "The venue answers well again: rung by rung, each after 20 s of good answers."),
    CLOCK_SKEW: CauseKind(False, "A later reading of the clocks differs by less than half of the limit."),
    UNKNOWN_CAP: CauseKind(False, "At most half as many orders as the cap have an unknown outcome, for 15 s."),
    STALE_DATA: CauseKind(False, "Everything held and half of what is watched has a fresh price, for 15 s."),
    RECONCILING: CauseKind(False, "The account's orders, trades and balances have been compared with its venue."),
    TAKEOVER: CauseKind(False, "The account is reconciled after the other instance took over."),
}


def clears_words(kind: str, *, latched: bool) -> str:
    """What ends a cause of this kind; a kind of another room says only whether a person is needed."""
    known = KINDS.get(kind)
    if known is not None:
        return known.clears
    return _BY_A_PERSON if latched else "It clears by itself once it is over."
