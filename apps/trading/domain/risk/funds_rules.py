"""Risk rules about the money that pays: the free balance, and an agent's own budget."""

from decimal import Decimal

from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.risk.compared_figures import apart
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule, without


@rule("budget_exceeded")
def agent_budget(facts: GateFacts) -> Finding:
    """An agent with a budget pays its buys from it and from nothing else, and a position belongs to one budget."""
    order, free, owner = facts.order, facts.book.available, facts.book.position_budget
    inputs = {
        "budget": order.budget,
        "position_budget": owner,
        "needed": order.needs,
        "available": free,
        "asset": order.needs_asset,
    }
    if owner != order.budget:
        whose = "the firm's own money" if owner == FIRM else "another agent's budget"
        detail = f"The position in {order.symbol} was bought with {whose}; nothing is added to it from elsewhere."
        return Finding(False, detail, inputs, "position_of_another_budget")
    if order.budget == FIRM:
        return Finding(True, "Paid from the firm's own money.", inputs)
    if order.needs is None:
        return without("a price", facts.market.reason, inputs)
    needed, left = _told(facts, order.needs)
    return passed_if(
        order.needs <= free,
        inputs,
        yes=lambda: f"{needed} of {left} {order.needs_asset} left in the agent's budget are needed.",
        no=lambda: (
            f"{needed} {order.needs_asset} are needed; the agent's budget has {left} left. "
            "A person with role risk can raise it."
        ),
    )


@rule("insufficient_balance", binds_sales=True)
def balance(facts: GateFacts) -> Finding:
    order, free = facts.order, facts.book.available
    inputs = {"needed": order.needs, "available": free, "asset": order.needs_asset}
    if order.needs is None:
        return without("a price", facts.market.reason, inputs)
    if order.side == "buy" and order.budget != FIRM:
        return passed_if(order.needs > ZERO, inputs, yes="The agent's budget pays.", no="Nothing would be paid.")
    fits, needs = ZERO < order.needs <= free, order.needs

    def told() -> str:
        more = "at the worst price the collar allows, with fee" if order.side == "buy" else "to sell"
        needed, left = _told(facts, needs)
        if fits:
            return f"{needed} {order.needs_asset} needed {more}, {left} free."
        return f"{needed} {order.needs_asset} are needed {more}; {left} are free."

    return passed_if(fits, inputs, yes=told, no=told)


def _told(facts: GateFacts, needs: Decimal) -> tuple[str | None, str | None]:
    """What is needed and what is free: money to the cent, units of a sale whole."""
    free = facts.book.available
    return apart(needs, free, places=2) if facts.order.side == "buy" else (plain(needs), plain(free))
