"""Risk rules about whether one may trade at all just now: the state, the instrument, the venue and its clock."""

from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule, without
from apps.trading.domain.risk.trading_state import TradingState, permits
from apps.trading.domain.risk.venue_ladder import Rung, rung_permits

IN_THE_HOUSE = "The paper exchange is a part of the house: no network lies between."


@rule("trading_restricted", binds_sales=True)
def trading_state(facts: GateFacts) -> Finding:
    order, state = facts.order, facts.book.state
    inputs = {"state": state, "causes": facts.book.state_reasons}
    allowed = permits(
        state,
        reducing=order.reducing,
        reduce_only=order.reduce_only,
        origin=order.origin,
        privileged=order.privileged,
    )
    if allowed:
        detail = f"Trading is {state}" + (", and this order only reduces." if state != "ACTIVE" else ".")
        return Finding(True, detail, inputs)
    why = "; ".join(facts.book.state_reasons)
    only = {
        "HALTED": "only reduce-only orders of the stop guard, of flatten or of role risk pass",
        "REDUCING": "only orders that lower a position pass",
    }
    return Finding(False, f"Trading is {state} ({why}): {only[state]}.", inputs, denied_in(state))


def denied_in(state: TradingState) -> str:
    """The code of a denial by this trading state."""
    return f"trading_{state.lower()}"


@rule("instrument_paused")
def instrument_paused(facts: GateFacts) -> Finding:
    reason, symbol = facts.market.paused_reason, facts.order.symbol
    return passed_if(
        reason is None,
        {"paused_reason": reason},
        yes=lambda: f"{symbol} is not paused.",
        no=lambda: f"{symbol} is paused: {reason}",
    )


@rule("venue_degraded", binds_sales=True)
def venue_health(facts: GateFacts) -> Finding:
    order, venue = facts.order, facts.venue
    inputs = {"account": venue.account, "rung": venue.rung, "in_house": venue.in_house}
    if venue.in_house:
        return Finding(True, IN_THE_HOUSE, inputs)
    if venue.rung is None:
        if order.reducing:
            return Finding(True, "Nothing was heard of the venue yet; the order only lowers a position.", inputs)
        return without(f"an answer of {venue.account}", "Nothing was heard of it since it was set up.", inputs)
    allowed = rung_permits(
        Rung(venue.rung),
        reducing=order.reducing,
        reduce_only=order.reduce_only,
        origin=order.origin,
        privileged=order.privileged,
    )
    words = venue.rung.replace("_", " ")
    return passed_if(
        allowed,
        inputs,
        yes=lambda: f"{venue.account} stands at {words}.",
        no=lambda: f"{venue.account} stands at {words}: {venue.reason or 'it does not answer well'}",
    )


@rule("clock_skew")
def clock_skew(facts: GateFacts) -> Finding:
    venue, limit = facts.venue, facts.limits.max_clock_skew_ms
    inputs = {"account": venue.account, "clock_offset_ms": venue.clock_offset_ms, "limit_ms": limit}
    if venue.in_house:
        return Finding(True, IN_THE_HOUSE, inputs)
    if venue.clock_offset_ms is None:
        return without(f"a recent reading of {venue.account}'s clock", "", inputs)
    off = abs(venue.clock_offset_ms)
    return passed_if(
        off <= limit,
        inputs,
        yes=lambda: f"Our clock and the venue's differ by {off} ms, at most {limit} ms are allowed.",
        no=lambda: (
            f"Our clock and the venue's differ by {off} ms; at most {limit} ms are allowed. Set the machine's clock."
        ),
    )
