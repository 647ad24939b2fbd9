"""How far a venue may still be used: four rungs, down at once, up one by one after a while of good answers. Pure.

Each bad answer adds its weight to the strain, each good one takes 30 % of it away; a refusal is a good answer: the
venue works. Strain reaches 3 after three failures in a row; it settles near 3 when every second answer fails and near
6 when two of three do. A rung is left upwards only when strain is below half of what it takes to fall to it, and after
it was stood on for the cool-down, so that a venue that comes and goes does not flap. No answers prove nothing: without
any, the rung stays.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.trading.domain.risk.trading_state import TradingState, permits


class Rung(StrEnum):
    NORMAL = "normal"
    NO_ENTRIES = "no_entries"
    EXITS_ONLY = "exits_only"
    FROZEN = "frozen"


LADDER = (Rung.NORMAL, Rung.NO_ENTRIES, Rung.EXITS_ONLY, Rung.FROZEN)
FALLS_AT = {Rung.NO_ENTRIES: 3.0, Rung.EXITS_ONLY: 6.0, Rung.FROZEN: 10.0}
MOST_STRAIN = 12.0
KEPT_AFTER_GOOD = 0.7
COOL_DOWN = timedelta(seconds=20)
SLOW_MS = 5_000.0
LATENCY_SHARE = 0.2  # of a new measurement in the moving average

GOOD = frozenset({"ok", "refused"})
# An unmapped kind weighs like any failure. A ban or a key that is not taken any more needs no second proof.
WEIGHTS = {"slow": 0.5, "rate_limited": 1.0, "banned": MOST_STRAIN, "forbidden": MOST_STRAIN}
MEANING = {
    Rung.NORMAL: "Everything is sent.",
    Rung.NO_ENTRIES: "No new risk; orders that lower a position pass.",
    Rung.EXITS_ONLY: "Only reduce-only orders pass.",
    Rung.FROZEN: "Nothing is sent but exits of the stop guard, of flatten and of role risk.",
}
_STATE = {
    Rung.NORMAL: TradingState.ACTIVE,
    Rung.NO_ENTRIES: TradingState.REDUCING,
    Rung.EXITS_ONLY: TradingState.REDUCING,
    Rung.FROZEN: TradingState.HALTED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A venue's health as answers have shaped it. ``since``: when the rung was reached (wall clock)."""

    rung: Rung
    since: datetime
    strain: float = 0.0
    latency_ms: float | None = None
    failures_in_row: int = 0


def after_answer(before: Standing, *, ok: bool, kind: str, latency_ms: float, at: datetime) -> Standing:
    """The standing after one more answer, or after its absence (a time-out is told as a failure)."""
    kind = "slow" if ok and latency_ms >= SLOW_MS else kind
    good = ok and kind in GOOD
    strain = before.strain * KEPT_AFTER_GOOD if good else min(MOST_STRAIN, before.strain + WEIGHTS.get(kind, 1.0))
    known = before.latency_ms
    return _placed(
        Standing(
            rung=before.rung,
            since=before.since,
            strain=strain,
            latency_ms=latency_ms if known is None else known + LATENCY_SHARE * (latency_ms - known),
            failures_in_row=0 if good else before.failures_in_row + 1,
        ),
        good,
        at,
    )


def _placed(standing: Standing, good: bool, at: datetime) -> Standing:
    here = LADDER.index(standing.rung)
    if good:
        rested = at - standing.since >= COOL_DOWN
        target = here - 1 if here and rested and standing.strain < FALLS_AT[standing.rung] / 2 else here
    else:
        target = max(here, sum(standing.strain >= limit for limit in FALLS_AT.values()))
    if target == here:
        return standing
    return Standing(LADDER[target], at, standing.strain, standing.latency_ms, standing.failures_in_row)


def rung_state(rung: Rung) -> TradingState:
    """What the rung means for the trading state of its account."""
    return _STATE[rung]


def rung_permits(rung: Rung, *, reducing: bool, reduce_only: bool, origin: str, privileged: bool) -> bool:
    """Whether an order may be created while the venue stands on this rung."""
    if rung == Rung.EXITS_ONLY and not reduce_only:
        return False
    return permits(rung_state(rung), reducing=reducing, reduce_only=reduce_only, origin=origin, privileged=privileged)
