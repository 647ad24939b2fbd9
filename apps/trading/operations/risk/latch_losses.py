"""Latch a cause where a loss limit is reached: asked by the gate with every order and by the monitor every cycle."""

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.risk.loss_limits import LossStanding, reached_limits
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.operations.risk.state_causes import open_cause

MONITOR = "risk monitor"


def latch_reached_limits(*, standing: LossStanding, account: str, limits: LimitValues, moment: Moment) -> list[str]:
    """The kinds of causes opened for the account inside the running transaction."""
    facts = {"equity": plain(standing.equity), "in_flight_loss": plain(standing.in_flight_loss)}
    return [
        reached.kind
        for reached in reached_limits(standing, limits)
        if open_cause(
            kind=reached.kind,
            account=account,
            state=reached.state,
            latched=True,
            author=MONITOR,
            reason=reached.reason,
            moment=moment,
            facts=facts,
        )
    ]
