"""Risk rule about instruments whose books and venue differ: no new risk where nobody knows what is held."""

from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule


@rule("symbol_quarantined")
def symbol_quarantined(facts: GateFacts) -> Finding:
    symbol, why = facts.order.symbol, facts.venue.quarantine
    return passed_if(
        why is None,
        {"account": facts.venue.account, "quarantine": why},
        yes=lambda: f"Our books and {facts.venue.account} agree about {symbol}.",
        no=lambda: f"{symbol} is in quarantine at {facts.venue.account}: {why} Settle the break in the queue first.",
    )
