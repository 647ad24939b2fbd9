"""Which loss limits are reached at an equity, and the marks they are measured from. Pure."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.foundation.money import plain
from apps.trading.domain.books.portfolio import drawdown
from apps.trading.domain.risk.cause_kinds import DAILY_LOSS, DRAWDOWN
from apps.trading.domain.risk.compared_figures import percent, percent_beside
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class LossMarks:
    """The equity that the day began with (UTC) and the highest one."""

    day: date
    day_start_equity: Decimal
    peak_equity: Decimal

    def at(self, *, equity: Decimal, today: date) -> "LossMarks":
        """The marks once ``equity`` was seen: a new day begins with it, a new high is one."""
        new_day = today > self.day
        return LossMarks(
            day=today if new_day else self.day,
            day_start_equity=equity if new_day else self.day_start_equity,
            peak_equity=max(self.peak_equity, equity),
        )


@dataclass(frozen=True, slots=True)
class LossStanding:
    """What the loss limits are measured on; ``in_flight_loss`` is what orders on their way may have lost already."""

    equity: Decimal | None
    in_flight_loss: Decimal | None
    day_start_equity: Decimal
    peak_equity: Decimal

    @classmethod
    def of(cls, facts: GateFacts) -> "LossStanding":
        """As the gate sees it."""
        book = facts.book
        return cls(book.equity, book.in_flight_loss, book.day_start_equity, book.peak_equity)


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """The kind of cause that it opens, the state that follows, and the sentence why."""

    kind: str
    state: TradingState
    reason: str


def reached_limits(standing: LossStanding, limits: LimitValues, *, known: Container[str] = ()) -> list[ReachedLimit]:
    """The loss limits that this standing has reached; none while its equity is unknown. ``known``: kinds left out.

    Unknown equity latches nothing: the gate refuses new risk for want of a price anyway.
    """
    if standing.equity is None or standing.in_flight_loss is None:
        return []
    worth = standing.equity - standing.in_flight_loss
    lost = drawdown(equity=worth, peak=standing.day_start_equity)
    fall = drawdown(equity=worth, peak=standing.peak_equity)
    flying = standing.in_flight_loss
    way = f" With {plain(flying)} that orders in flight may have lost." if flying else ""
    reached = []
    if lost >= limits.max_daily_loss and DAILY_LOSS not in known:
        told = percent_beside(lost, limits.max_daily_loss, places=2)
        reason = f"Lost {told} today, the limit is {percent(limits.max_daily_loss)}.{way}"
        reached.append(ReachedLimit(DAILY_LOSS, TradingState.REDUCING, reason))
    if fall >= limits.max_drawdown and DRAWDOWN not in known:
        told = percent_beside(fall, limits.max_drawdown, places=2)
        reason = f"Fell {told} from the peak, the limit is {percent(limits.max_drawdown)}.{way}"
        reached.append(ReachedLimit(DRAWDOWN, TradingState.HALTED, reason))
    return reached
