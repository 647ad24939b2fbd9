"""Latch a cause where a loss limit is reached: asked by the gate with every order and by the monitor every cycle."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.books.portfolio import drawdown
from apps.trading.domain.risk.cause_kinds import DAILY_LOSS, DRAWDOWN
from apps.trading.domain.risk.compared_figures import percent, percent_beside
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.operations.risk.state_causes import open_cause

MONITOR = "risk monitor"


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


def latch_reached_limits(*, standing: LossStanding, account: str, limits: LimitValues, moment: Moment) -> list[str]:
    """The kinds of causes opened for the account inside the running transaction.

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
    if lost >= limits.max_daily_loss:
        told = percent_beside(lost, limits.max_daily_loss, places=2)
        reason = f"Lost {told} today, the limit is {percent(limits.max_daily_loss)}.{way}"
        reached.append((DAILY_LOSS, TradingState.REDUCING, reason))
    if fall >= limits.max_drawdown:
        told = percent_beside(fall, limits.max_drawdown, places=2)
        reason = f"Fell {told} from the peak, the limit is {percent(limits.max_drawdown)}.{way}"
        reached.append((DRAWDOWN, TradingState.HALTED, reason))
    facts = {"equity": plain(standing.equity), "in_flight_loss": plain(standing.in_flight_loss)}
    return [
        kind
        for kind, state, reason in reached
        if open_cause(
            kind=kind,
            account=account,
            state=state,
            latched=True,
            author=MONITOR,
            reason=reason,
            moment=moment,
            facts=facts,
        )
    ]
