"""Risk rules about losses: the day's, the fall from the peak, several in a row.

Equity counts here as if every order in flight had traded at the price it was approved at (``in_flight_loss``): a loss
that is on its way is one.
"""

from datetime import timedelta
from decimal import Decimal

from apps.trading.domain.books import portfolio
from apps.trading.domain.risk.compared_figures import counted, percent, percent_beside
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule, without


@rule("daily_loss_reached")
def daily_loss(facts: GateFacts) -> Finding:
    return _loss(facts, since=facts.book.day_start_equity, limit=facts.limits.max_daily_loss, what="Lost today")


@rule("drawdown_reached")
def drawdown(facts: GateFacts) -> Finding:
    return _loss(facts, since=facts.book.peak_equity, limit=facts.limits.max_drawdown, what="Drawdown")


@rule("loss_streak_cooldown")
def loss_streak(facts: GateFacts) -> Finding:
    book, limits = facts.book, facts.limits
    inputs = {"losses_in_row": book.losses_in_row, "limit": limits.max_losses_in_row, "last_loss": book.last_loss_firm}

    def row() -> str:
        return f"{counted(book.losses_in_row, 'losing position', 'losing positions')} in a row"

    if book.losses_in_row < limits.max_losses_in_row:
        return Finding(True, lambda: f"{row()}.", inputs)
    if book.last_loss_firm is None:
        return without("the time of the last loss", "", inputs)
    ends = book.last_loss_firm + timedelta(minutes=limits.loss_cooldown_minutes)
    return passed_if(
        facts.firm >= ends,
        inputs,
        yes=lambda: f"The pause after {row()} is over.",
        no=lambda: f"{row()}; new risk is taken again from {ends:%Y-%m-%d %H:%M} UTC.",
    )


def _loss(facts: GateFacts, *, since: Decimal, limit: Decimal, what: str) -> Finding:
    equity, in_flight = facts.book.equity, facts.book.in_flight_loss
    inputs = {"equity": equity, "in_flight_loss": in_flight, "since": since, "limit": limit}
    if equity is None or in_flight is None:
        return without("a price of everything held", facts.market.reason, inputs)
    lost = portfolio.drawdown(equity=equity - in_flight, peak=since)

    def told() -> str:
        return f"{what}: {percent_beside(lost, limit, places=2)}"

    return passed_if(
        lost < limit,
        inputs,
        yes=lambda: f"{told()} of at most {percent(limit)}.",
        no=lambda: f"{told()}; from {percent(limit)} on no new risk is taken.",
    )
