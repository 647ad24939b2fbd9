"""Risk rules about the price and what the instrument takes. A missing input denies."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.foundation.money import BASIS_POINT, floor_to, plain
from apps.trading.domain.books.decimal_math import over
from apps.trading.domain.books.fees import round_trip_bps
from apps.trading.domain.risk.compared_figures import apart, beside
from apps.trading.domain.risk.gate_facts import GateFacts, OrderFacts
from apps.trading.domain.risk.risk_verdict import Finding, exempt, passed_if, rule, without
from apps.trading.domain.stops.stop_triggers import fires_below

A_PRICE = "a price"


@rule("stale_price")
def stale_price(facts: GateFacts) -> Finding:
    market = facts.market
    inputs = {"mark": market.mark, "as_of": market.as_of, "stale": market.stale}
    if market.mark is None:
        return without(A_PRICE, market.reason, inputs)
    return passed_if(
        not market.stale,
        inputs,
        yes="The price is fresh.",
        no=lambda: f"The price is too old to take new risk on. {market.reason}",
    )


@rule("market_closed")
def market_session(facts: GateFacts) -> Finding:
    """New risk is taken at prices of now; a sale may be sent while the exchange is closed and waits for the opening."""
    market = facts.market
    inputs = {"closed": market.closed, "opens_at": market.opens_at}
    return passed_if(not market.closed, inputs, yes="The exchange is open.", no=lambda: _closed(facts))


def _closed(facts: GateFacts) -> str:
    opens = facts.market.opens_at
    until = "" if opens is None else f" It opens at {opens:%Y-%m-%d %H:%M} UTC; send the order then."
    return f"The exchange of {facts.order.symbol} is closed.{until}"


@rule("diverging_providers")
def diverging_providers(facts: GateFacts) -> Finding:
    market = facts.market
    inputs = {"mark": market.mark, "diverging": market.diverging}
    if market.mark is None:
        return without(A_PRICE, market.reason, inputs)
    return passed_if(not market.diverging, inputs, yes="The sources agree on the price.", no=market.reason)


@rule("spread_too_wide")
def spread(facts: GateFacts) -> Finding:
    wide, limit = facts.market.spread_bps, facts.limits.max_spread_bps
    inputs = {"spread_bps": wide, "max_spread_bps": limit}
    if wide is None:
        return without("a spread", facts.market.reason, inputs)
    return passed_if(
        wide <= limit,
        inputs,
        yes=lambda: f"The spread of {beside(wide, limit, places=1)} bp is within {plain(limit)} bp.",
        no=lambda: f"The spread is {beside(wide, limit, places=1)} bp; new risk is taken up to {plain(limit)} bp.",
    )


@rule("price_outside_collar", binds_sales=True)
def price_collar(facts: GateFacts) -> Finding:
    order, mark, collar = facts.order, facts.market.mark, facts.limits.price_collar_bps
    inputs = {"price": order.price, "mark": mark, "collar_bps": collar}
    if mark is None and not order.reducing:
        return without(A_PRICE, facts.market.reason, inputs)
    if order.price is None:
        return Finding(True, "The order names no price of its own.", inputs)
    if mark is None:
        return exempt(inputs)
    if order.trigger is not None and (order.price == order.trigger or not _waits(order, mark)):
        return _trigger_side(order, mark, inputs)
    # Only the costly side: a buy far below the mark rests, it can't hurt. A limit behind a trigger is held against it.
    mark = order.trigger or mark
    worse = order.price - mark if order.side == "buy" else mark - order.price
    distance = over(worse, mark) / BASIS_POINT
    return passed_if(
        distance <= collar,
        inputs,
        yes=lambda: f"The price lies within {plain(collar)} bp of the mark on its costly side.",
        no=lambda: (
            f"The price {plain(order.price)} lies {beside(distance, collar, places=0)} bp on the costly side of the "
            f"mark {plain(mark)}; at most {plain(collar)} bp are allowed."
        ),
    )


def _waits(order: OrderFacts, mark: Decimal) -> bool:
    """Whether the trigger lies on the side it waits on."""
    below = fires_below(side=order.side, type=order.type)
    return order.trigger is not None and (order.trigger < mark if below else order.trigger > mark)


def _trigger_side(order: OrderFacts, mark: Decimal, inputs: Mapping[str, Any]) -> Finding:
    side = "below" if fires_below(side=order.side, type=order.type) else "above"
    if _waits(order, mark):
        return Finding(True, f"The trigger waits {side} the mark.", inputs)
    kind = order.type.replace("_", "-")
    detail = (
        f"The trigger of a {order.side} {kind} must lie {side} the mark {plain(mark)}, was {plain(order.trigger)}: "
        "it would fire now."
    )
    return Finding(False, detail, inputs, "stop_on_wrong_side")


@rule("instrument_rules", binds_sales=True)
def instrument_rules(facts: GateFacts) -> Finding:
    order, market = facts.order, facts.market
    inputs = {
        "quantity": order.quantity,
        "price": order.price,
        "tick_size": market.tick_size,
        "step_size": market.step_size,
        "min_quantity": market.min_quantity,
    }
    problem = _misfit(facts)
    return passed_if(not problem, inputs, yes="Quantity and price fit the instrument's step and tick.", no=problem)


def _misfit(facts: GateFacts) -> str:
    order, market = facts.order, facts.market
    if order.quantity <= 0 or order.quantity < market.min_quantity:
        return f"The quantity {plain(order.quantity)} is below the smallest of {plain(market.min_quantity)}."
    if floor_to(order.quantity, market.step_size) != order.quantity:
        step = plain(market.step_size)
        return f"The quantity {plain(order.quantity)} is no multiple of the step {step}; round it down."
    for price in (order.price, order.trigger):
        if price is not None and floor_to(price, market.tick_size) != price:
            return f"The price {plain(price)} is no multiple of the tick {plain(market.tick_size)}; round it."
    return ""


@rule("below_min_notional", binds_sales=True)
def min_notional(facts: GateFacts) -> Finding:
    order, least = facts.order, facts.market.min_notional
    inputs = {"value": order.value, "min_notional": least}
    if order.reducing and order.quantity >= floor_to(facts.book.held_quantity, facts.market.step_size):
        return exempt(inputs, "The order sells all that is held.")
    if order.value is None:
        if order.reducing:
            return exempt(inputs, "Without a price a reducing order is not measured.")
        return without(A_PRICE, facts.market.reason, inputs)
    value = order.value
    return passed_if(
        value >= least,
        inputs,
        yes=lambda: f"The order is worth {beside(value, least, places=2)}, at least {plain(least)} is needed.",
        no=lambda: (
            f"The order is worth {beside(value, least, places=2)}; the instrument takes no order below {plain(least)}."
        ),
    )


@rule("edge_below_costs")
def fee_edge(facts: GateFacts) -> Finding:
    order, market, multiple = facts.order, facts.market, facts.limits.fee_edge_multiple
    inputs = {
        "expected_edge_bps": order.expected_edge_bps,
        "fee_bps": market.fee_bps,
        "spread_bps": market.spread_bps,
        "fee_edge_multiple": multiple,
    }
    if order.origin != "consensus":
        return Finding(True, "Asked of the agents' orders only.", inputs)
    if order.expected_edge_bps is None or market.spread_bps is None:
        return without("an expected edge and a spread", market.reason, inputs)
    costs = round_trip_bps(float(market.fee_bps), float(market.spread_bps)) * float(multiple)
    pays = order.expected_edge_bps > costs
    edge_bps = order.expected_edge_bps

    def told() -> str:
        edge, needed = apart(edge_bps / 100, costs / 100, places=2)
        return f"The edge of {edge} % {'pays' if pays else 'does not pay'} {needed} % of fees and spread."

    return passed_if(pays, inputs, yes=told, no=told)
