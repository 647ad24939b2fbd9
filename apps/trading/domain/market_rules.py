"""Risk rules about price and instrument. One small pure function a rule; a missing input denies."""

from collections.abc import Mapping
from typing import Any

from apps.foundation.money import BASIS_POINT, ZERO, floor_to, plain
from apps.trading.domain.decimal_math import over
from apps.trading.domain.fees import round_trip_bps
from apps.trading.domain.gate_facts import GateFacts
from apps.trading.domain.risk_verdict import OK, Verdict, exempt, missing_input, verdict_of


def instrument_paused(facts: GateFacts) -> Verdict:
    reason = facts.market.paused_reason
    return verdict_of(
        "instrument_paused",
        allowed=reason is None,
        code="instrument_paused",
        yes=f"{facts.order.symbol} is not paused.",
        no=f"{facts.order.symbol} is paused: {reason}",
        inputs={"paused_reason": reason},
    )


def stale_price(facts: GateFacts) -> Verdict:
    market = facts.market
    inputs = {"mark": market.mark, "as_of": market.as_of, "stale": market.stale}
    if market.mark is None:
        return missing_input("stale_price", "a price", facts.market.reason, inputs)
    return verdict_of(
        "stale_price",
        allowed=not market.stale,
        code="stale_price",
        yes="The price is fresh.",
        no=f"The price is too old to take new risk on. {market.reason}",
        inputs=inputs,
    )


def diverging_providers(facts: GateFacts) -> Verdict:
    market = facts.market
    inputs = {"mark": market.mark, "diverging": market.diverging}
    if market.mark is None:
        return missing_input("diverging_providers", "a price", market.reason, inputs)
    return verdict_of(
        "diverging_providers",
        allowed=not market.diverging,
        code="diverging_providers",
        yes="The sources agree on the price.",
        no=market.reason,
        inputs=inputs,
    )


def price_collar(facts: GateFacts) -> Verdict:
    order, mark, collar = facts.order, facts.market.mark, facts.limits.price_collar_bps
    inputs = {"price": order.price, "mark": mark, "collar_bps": collar}
    if order.price is None:
        if mark is None and not order.reducing:
            return missing_input("price_collar", "a price", facts.market.reason, inputs)
        return Verdict("price_collar", True, OK, "The order names no price of its own.", inputs)
    if mark is None:
        if order.reducing:
            return exempt("price_collar", inputs)
        return missing_input("price_collar", "a price", facts.market.reason, inputs)
    if order.type == "stop":
        return _stop_side(facts, inputs)
    # Only the costly side: a buy far below the mark rests, it can't hurt.
    worse = order.price - mark if order.side == "buy" else mark - order.price
    distance = over(worse, mark) / BASIS_POINT
    return verdict_of(
        "price_collar",
        allowed=distance <= collar,
        code="price_outside_collar",
        yes=f"The price lies within {plain(collar)} bp of the mark on its costly side.",
        no=f"The price {plain(order.price)} lies {distance:.0f} bp on the costly side of the mark {plain(mark)}; "
        f"at most {plain(collar)} bp are allowed.",
        inputs=inputs,
    )


def _stop_side(facts: GateFacts, inputs: Mapping[str, Any]) -> Verdict:
    order, mark = facts.order, facts.market.mark or ZERO
    waits = order.price is not None and (order.price > mark if order.side == "buy" else order.price < mark)
    side = "above" if order.side == "buy" else "below"
    return verdict_of(
        "price_collar",
        allowed=waits,
        code="stop_on_wrong_side",
        yes=f"The stop waits {side} the mark.",
        no=f"A {order.side} stop must lie {side} the mark {plain(mark)}, was {plain(order.price)}: it would fire now.",
        inputs=inputs,
    )


def spread(facts: GateFacts) -> Verdict:
    wide, limit = facts.market.spread_bps, facts.limits.max_spread_bps
    inputs = {"spread_bps": wide, "max_spread_bps": limit}
    if wide is None:
        return missing_input("spread", "a spread", facts.market.reason, inputs)
    return verdict_of(
        "spread",
        allowed=wide <= limit,
        code="spread_too_wide",
        yes=f"The spread of {wide:.1f} bp is within {plain(limit)} bp.",
        no=f"The spread is {wide:.1f} bp; new risk is taken up to {plain(limit)} bp.",
        inputs=inputs,
    )


def instrument_rules(facts: GateFacts) -> Verdict:
    order, market = facts.order, facts.market
    inputs = {
        "quantity": order.quantity,
        "price": order.price,
        "tick_size": market.tick_size,
        "step_size": market.step_size,
        "min_quantity": market.min_quantity,
    }
    problem = ""
    if order.quantity <= 0 or order.quantity < market.min_quantity:
        problem = f"The quantity {plain(order.quantity)} is below the smallest of {plain(market.min_quantity)}."
    elif floor_to(order.quantity, market.step_size) != order.quantity:
        problem = (
            f"The quantity {plain(order.quantity)} is no multiple of the step {plain(market.step_size)}; round it down."
        )
    elif order.price is not None and floor_to(order.price, market.tick_size) != order.price:
        problem = f"The price {plain(order.price)} is no multiple of the tick {plain(market.tick_size)}; round it."
    return verdict_of(
        "instrument_rules",
        allowed=not problem,
        code="instrument_rules",
        yes="Quantity and price fit the instrument's step and tick.",
        no=problem,
        inputs=inputs,
    )


def min_notional(facts: GateFacts) -> Verdict:
    order, least = facts.order, facts.market.min_notional
    inputs = {"value": order.value, "min_notional": least}
    if order.reducing and order.quantity >= facts.book.held_quantity:
        return exempt("min_notional", inputs, "The order sells all that is held.")
    if order.value is None:
        if order.reducing:
            return exempt("min_notional", inputs, "Without a price a reducing order is not measured.")
        return missing_input("min_notional", "a price", facts.market.reason, inputs)
    return verdict_of(
        "min_notional",
        allowed=order.value >= least,
        code="below_min_notional",
        yes=f"The order is worth {order.value:.2f}, at least {plain(least)} is needed.",
        no=f"The order is worth {order.value:.2f}; the instrument takes no order below {plain(least)}.",
        inputs=inputs,
    )


def fee_edge(facts: GateFacts) -> Verdict:
    order, market, multiple = facts.order, facts.market, facts.limits.fee_edge_multiple
    inputs = {
        "expected_edge_bps": order.expected_edge_bps,
        "fee_bps": market.fee_bps,
        "spread_bps": market.spread_bps,
        "fee_edge_multiple": multiple,
    }
    if order.origin != "consensus":
        return Verdict("fee_edge", True, OK, "Asked of the agents' orders only.", inputs)
    if order.expected_edge_bps is None or market.spread_bps is None:
        return missing_input("fee_edge", "an expected edge and a spread", market.reason, inputs)
    costs = round_trip_bps(float(market.fee_bps), float(market.spread_bps)) * float(multiple)
    return verdict_of(
        "fee_edge",
        allowed=order.expected_edge_bps > costs,
        code="edge_below_costs",
        yes=f"The edge of {order.expected_edge_bps / 100:.2f} % pays {costs / 100:.2f} % of fees and spread.",
        no=f"The edge of {order.expected_edge_bps / 100:.2f} % does not pay {costs / 100:.2f} % of fees and spread.",
        inputs=inputs,
    )
