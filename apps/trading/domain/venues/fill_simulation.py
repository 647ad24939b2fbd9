"""What an order would have got: the paper venue's matching rules over one slice of the market. Pure and deterministic.

Rules: a taker never trades better than the quoted side, pays slippage, and its price is rounded against it; a resting
limit fills only when the market trades through its price, never at a touch, and at its own price; nobody takes more
than a stated share of the volume that traded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from apps.foundation.money import ZERO, ceil_to, floor_to
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.fees import with_fee
from apps.trading.domain.venues.paper_terms import BASIS_POINTS, PaperTerms

Liquidity = Literal["taker", "maker"]
Ended = Literal["FILLED", "CANCELED", "EXPIRED", "REJECTED"]


@dataclass(frozen=True, slots=True)
class MarketSlice:
    """A bar or a quote: the sides a taker meets, the extremes a resting order meets, the base volume that traded."""

    bid: Decimal
    ask: Decimal
    lowest: Decimal
    highest: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order at work. ``resting``: it has been offered a slice before, so a limit can only be a maker now.

    ``funds``: quote currency, fees included, that a market buy may still spend; None: no such bound.
    """

    order_id: str
    side: Literal["buy", "sell"]
    type: Literal["market", "limit"]
    remaining: Decimal
    limit_price: Decimal | None = None
    time_in_force: str = "GTC"
    post_only: bool = False
    resting: bool = False
    funds: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SimulatedFill:
    """Base quantity, quote price and the fee in the quote asset."""

    quantity: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity


@dataclass(frozen=True, slots=True)
class Matched:
    """What one slice did to one order; ``ended`` None: still at work."""

    order_id: str
    fill: SimulatedFill | None
    ended: Ended | None
    reason: str = ""


def slice_of_bar(*, opening: Decimal, high: Decimal, low: Decimal, volume: Decimal, terms: PaperTerms) -> MarketSlice:
    """A bar as a slice: takers trade at its open plus or minus half the stated spread."""
    half = opening * terms.spread_bps / BASIS_POINTS / 2
    return MarketSlice(bid=opening - half, ask=opening + half, lowest=low, highest=high, volume=volume)


def slice_of_quote(*, bid: Decimal, ask: Decimal, volume: Decimal) -> MarketSlice:
    """A quote as a slice: the market trades through a resting order when the opposite side moves past its price."""
    return MarketSlice(bid=bid, ask=ask, lowest=ask, highest=bid, volume=volume)


def match_orders(
    *,
    orders: Sequence[WorkingOrder],
    market: MarketSlice,
    taken: Decimal,
    tick: Decimal,
    step: Decimal,
    terms: PaperTerms,
) -> list[Matched]:
    """Match the orders of one instrument against one slice, in the order of their ids.

    ``taken``: base volume of this slice that earlier fills used up. One order's fill lessens what the next may take.
    """
    left = max(ZERO, market.volume * terms.volume_share - taken)
    outcomes = []
    for order in sorted(orders, key=lambda each: each.order_id):
        outcome = match_order(order=order, market=market, left=left, tick=tick, step=step, terms=terms)
        if outcome.fill is not None:
            left -= outcome.fill.quantity
        outcomes.append(outcome)
    return outcomes


def match_order(
    *, order: WorkingOrder, market: MarketSlice, left: Decimal, tick: Decimal, step: Decimal, terms: PaperTerms
) -> Matched:
    """Match one order against one slice of which it may take ``left`` base units."""
    if order.post_only and not order.resting and _meets_the_other_side(order, market):
        return Matched(order.order_id, None, "REJECTED", "A post-only order would have traded at once.")
    quantity = min(order.remaining, floor_to(left, step))
    share = min(Decimal(1), (quantity or order.remaining) / left) if left > 0 else Decimal(1)
    crossing = _taker_price(order, market, share, tick, terms)
    if order.time_in_force == "FOK" and _not_all(order, quantity, crossing, step, terms):
        return Matched(order.order_id, None, "CANCELED", "Fill-or-kill: not all of it could trade at once.")
    if quantity > 0 and crossing is not None:
        return _taken(order, quantity, crossing, step, terms)
    if quantity > 0 and order.time_in_force != "IOC" and _traded_through(order, market):
        assert order.limit_price is not None
        return _after(order, _fill(order, quantity, order.limit_price, "maker", terms))
    return _after(order, None)


def _meets_the_other_side(order: WorkingOrder, market: MarketSlice) -> bool:
    """Whether the book as it stands would trade with this limit, slippage left out: the exchange only asks that."""
    assert order.limit_price is not None
    return order.limit_price >= market.ask if order.side == "buy" else order.limit_price <= market.bid


def _not_all(order: WorkingOrder, quantity: Decimal, price: Decimal | None, step: Decimal, terms: PaperTerms) -> bool:
    """Whether volume, price or funds leave less than the whole order."""
    if price is None or quantity < order.remaining:
        return True
    if order.funds is None:
        return False
    return floor_to(order.funds / with_fee(price, terms.taker_fee_bps), step) < order.remaining


def rested(order: WorkingOrder, outcome: Matched) -> WorkingOrder:
    """The order as it meets the next slice."""
    done = outcome.fill.quantity if outcome.fill else ZERO
    spent = times(done, outcome.fill.price) + outcome.fill.fee if outcome.fill else ZERO
    left = None if order.funds is None else order.funds - spent
    return replace(order, remaining=order.remaining - done, resting=True, funds=left)


def _taken(order: WorkingOrder, quantity: Decimal, price: Decimal, step: Decimal, terms: PaperTerms) -> Matched:
    """A taker's fill, as far as its funds go; what they don't cover is cancelled, as exchanges do."""
    if order.funds is None:
        return _after(order, _fill(order, quantity, price, "taker", terms))
    affordable = floor_to(order.funds / with_fee(price, terms.taker_fee_bps), step)
    fill = _fill(order, min(quantity, affordable), price, "taker", terms) if affordable > 0 else None
    if affordable < quantity:
        return Matched(order.order_id, fill, "CANCELED", "The funds set aside for it do not cover more at this price.")
    return _after(order, fill)


def _taker_price(
    order: WorkingOrder, market: MarketSlice, share: Decimal, tick: Decimal, terms: PaperTerms
) -> Decimal | None:
    """The price at which the order would take now; None when it is a limit that rests or does not reach that price."""
    if order.type == "limit" and order.resting:
        return None
    friction = (terms.slippage_bps + terms.impact_bps * share) / BASIS_POINTS
    if order.side == "buy":
        price = ceil_to(market.ask * (1 + friction), tick)
    else:
        price = floor_to(market.bid * (1 - friction), tick)
    if price <= 0:
        return None
    if order.limit_price is None:
        return price
    reaches = price <= order.limit_price if order.side == "buy" else price >= order.limit_price
    return price if reaches else None


def _traded_through(order: WorkingOrder, market: MarketSlice) -> bool:
    if order.limit_price is None:
        return False
    return market.lowest < order.limit_price if order.side == "buy" else market.highest > order.limit_price


def _fill(
    order: WorkingOrder, quantity: Decimal, price: Decimal, liquidity: Liquidity, terms: PaperTerms
) -> SimulatedFill:
    fee = terms.fee(side=order.side, quantity=quantity, price=price, maker=liquidity == "maker")
    return SimulatedFill(quantity, price, fee, liquidity)


def _after(order: WorkingOrder, fill: SimulatedFill | None) -> Matched:
    if fill is not None and fill.quantity == order.remaining:
        return Matched(order.order_id, fill, "FILLED")
    if order.time_in_force == "IOC":
        return Matched(order.order_id, fill, "CANCELED", "Immediate-or-cancel: the rest could not trade at once.")
    return Matched(order.order_id, fill, None)
