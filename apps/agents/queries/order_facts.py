"""What trading says about the order of a decision, and how the agents stood, as facts for a sentence."""

from decimal import Decimal
from typing import Any

from apps.agents.domain.consensus import Consensus
from apps.agents.domain.explanation import OrderFacts, VoteFacts


def facts_of(order: dict[str, Any]) -> OrderFacts:
    """The facts in an order's view."""
    verdicts = order["verdicts"]
    price = order["average_price"]
    return OrderFacts(
        side=order["side"],
        quantity=Decimal(order["quantity"]),
        filled=Decimal(order["filled_quantity"]),
        price=Decimal(price) if price is not None else None,
        state=order["state"],
        rules_passed=sum(1 for verdict in verdicts if verdict["allowed"]),
        rules_judged=len(verdicts),
    )


def vote_facts(pooled: Consensus) -> VoteFacts:
    """How the agents stood in a consensus."""
    leader = pooled.leader
    return VoteFacts(
        asked=pooled.asked,
        in_favour=pooled.in_favour,
        leader=leader.name if leader else "",
        strength=abs(leader.direction * leader.confidence) if leader else 0.0,
    )
