"""From a target exposure to an order, or to "no trade" and why.

``choose_lots`` is plain scalar arithmetic on floats and whole lots, so that backtests can compile the same source;
``size_target`` words its answer and turns lots into an exact quantity, always rounded to the safe side.
"""

import math
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.foundation.money import plain
from apps.trading.domain.books.fees import round_trip_bps
from apps.trading.domain.risk.compared_figures import apart

BUY, SELL = 1, 0
(
    SIZED,
    ALREADY_THERE,
    BELOW_MIN_NOTIONAL,
    BELOW_STEP,
    EDGE_BELOW_COSTS,
    NO_CASH,
    COOLING_DOWN,
    ORDER_WORKING,
    PAUSED,
    NO_PRICE,
    NO_EDGE_GIVEN,
) = range(11)
CODES = {
    SIZED: "sized",
    ALREADY_THERE: "already_there",
    BELOW_MIN_NOTIONAL: "below_min_notional",
    BELOW_STEP: "below_step",
    EDGE_BELOW_COSTS: "edge_below_costs",
    NO_CASH: "no_cash",
    COOLING_DOWN: "cooling_down",
    ORDER_WORKING: "order_working",
    PAUSED: "instrument_paused",
    NO_PRICE: "no_price",
    NO_EDGE_GIVEN: "no_edge_given",
}
_ROUNDING_SLACK = 1e-9  # of a lot: keeps 0.3 / 0.1 from losing a lot to binary fractions


@dataclass(frozen=True, slots=True)
class TargetExposure:
    """What the consensus wants: ``fraction`` in [0, 1] of the largest allowed position, and what it expects to earn.

    ``agent_id``: the agent whose decision it is alone; its budget, if it has one, pays.
    """

    symbol: str
    fraction: float
    expected_edge_bps: float | None
    decision_id: UUID | None
    reason: str
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SizingFacts:
    """Numbers a size follows from. Money in the quote currency; ``price`` is the mark; None where nobody knows."""

    price: float | None
    equity: float | None
    cash: float
    position_lots: int
    step: float
    min_notional: float
    max_position_share: float
    max_order_notional: float
    rebalance_band: float
    fee_bps: float
    spread_bps: float | None
    collar_bps: float
    fee_edge_multiple: float
    minutes_since_close: float | None
    reentry_minutes: float
    order_working: bool
    paused_reason: str | None


@dataclass(frozen=True, slots=True)
class SizedOrder:
    """An order of a size, and what it follows from. Words and numbers to show are put together where they are read."""

    side: str
    quantity: Decimal
    reduce_only: bool
    lots: int
    target: TargetExposure
    facts: SizingFacts

    @property
    def code(self) -> str:
        return CODES[SIZED]

    @property
    def reason(self) -> str:
        share = f"{self.target.fraction * 100:.0f} % of the largest position"
        return f"{self.side} {self.quantity:f} {self.target.symbol} to reach {share}"

    @property
    def sizing(self) -> dict[str, Any]:
        return _shown(self.target, self.facts, self.lots) | {"quantity": f"{self.quantity:f}"}


@dataclass(frozen=True, slots=True)
class NoTrade:
    """Why there is no order: one of ``CODES`` by number."""

    number: int
    lots: int
    target: TargetExposure
    facts: SizingFacts

    @property
    def code(self) -> str:
        return CODES[self.number]

    @property
    def reason(self) -> str:
        return _sentence(self.number, self.target, self.facts, self.lots)

    @property
    def sizing(self) -> dict[str, Any]:
        return _shown(self.target, self.facts, self.lots)


def choose_lots(  # noqa: PLR0911, PLR0917 - compiled code takes scalars and leaves early
    fraction: float,
    edge_bps: float,
    price: float,
    equity: float,
    cash: float,
    position_lots: int,
    step: float,
    min_notional: float,
    max_position_share: float,
    max_order_notional: float,
    rebalance_band: float,
    costs_bps: float,
    fee_edge_multiple: float,
    worst_cost: float,
) -> tuple[int, int, int]:
    """(code, side, lots) for a target. ``worst_cost``: 1 + collar + fee, what a unit of value may cost at worst.

    A fraction of zero sells everything; a change smaller than the band is no trade. A buy must expect to earn its costs
    both ways, and is capped by the largest order and by cash; a sale never needs an edge.
    """
    largest = max_position_share * equity
    lot_value = step * price
    if fraction <= 0.0:
        return (SIZED, SELL, position_lots) if position_lots > 0 else (ALREADY_THERE, SELL, 0)
    change = fraction * largest - position_lots * lot_value
    if abs(change) < rebalance_band * largest:
        return ALREADY_THERE, BUY, 0
    if change < 0.0:
        lots = min(int(-change / lot_value + _ROUNDING_SLACK), position_lots)
        if lots < 1:
            return BELOW_STEP, SELL, 0
        return (SIZED, SELL, lots) if lots * lot_value >= min_notional else (BELOW_MIN_NOTIONAL, SELL, lots)
    if edge_bps <= costs_bps * fee_edge_multiple:
        return EDGE_BELOW_COSTS, BUY, 0
    affordable = cash / worst_cost
    if affordable < min_notional:
        return NO_CASH, BUY, 0
    lots = int(min(change, max_order_notional, affordable) / lot_value + _ROUNDING_SLACK)
    if lots < 1:
        return BELOW_STEP, BUY, 0
    return (SIZED, BUY, lots) if lots * lot_value >= min_notional else (BELOW_MIN_NOTIONAL, BUY, lots)


def size_target(*, target: TargetExposure, facts: SizingFacts, step: Decimal) -> SizedOrder | NoTrade:
    """The order that moves the position to its target, or why there is none. Raises ``ValueError`` for a bad target."""
    if not (math.isfinite(target.fraction) and 0.0 <= target.fraction <= 1.0):
        raise ValueError(f"A target's fraction must lie in [0, 1], was {target.fraction}.")
    code, side, lots = _decide(target, facts)
    if code != SIZED:
        return NoTrade(code, lots, target, facts)
    return SizedOrder("buy" if side == BUY else "sell", step * lots, side == SELL, lots, target, facts)


def _decide(target: TargetExposure, facts: SizingFacts) -> tuple[int, int, int]:
    closing = target.fraction <= 0.0
    if closing and facts.position_lots < 1:
        return ALREADY_THERE, SELL, 0
    if facts.order_working:
        return ORDER_WORKING, BUY, 0
    if closing:
        return SIZED, SELL, facts.position_lots
    code, side, lots = _by_price(target, facts)
    if side == BUY and code not in {ALREADY_THERE, NO_PRICE}:
        hindrance = _hindrance(target, facts)
        return (hindrance, BUY, 0) if hindrance else (code, side, lots)
    return code, side, lots


def _by_price(target: TargetExposure, facts: SizingFacts) -> tuple[int, int, int]:
    if facts.price is None or facts.equity is None or facts.price <= 0 or facts.spread_bps is None:
        return NO_PRICE, BUY, 0
    return choose_lots(
        target.fraction,
        -math.inf if target.expected_edge_bps is None else target.expected_edge_bps,
        facts.price,
        facts.equity,
        facts.cash,
        facts.position_lots,
        facts.step,
        facts.min_notional,
        facts.max_position_share,
        facts.max_order_notional,
        facts.rebalance_band,
        round_trip_bps(facts.fee_bps, facts.spread_bps),
        facts.fee_edge_multiple,
        _worst_cost(facts),
    )


def _worst_cost(facts: SizingFacts) -> float:
    return (1.0 + facts.collar_bps / 10_000.0) * (1.0 + facts.fee_bps / 10_000.0)


def _hindrance(target: TargetExposure, facts: SizingFacts) -> int:
    if facts.paused_reason is not None:
        return PAUSED
    if _minutes_to_wait(facts) > 0:
        return COOLING_DOWN
    return NO_EDGE_GIVEN if target.expected_edge_bps is None else 0


def _minutes_to_wait(facts: SizingFacts) -> float:
    if facts.minutes_since_close is None or facts.position_lots > 0:
        return 0.0
    return facts.reentry_minutes - facts.minutes_since_close


def _sentence(code: int, target: TargetExposure, facts: SizingFacts, lots: int) -> str:
    largest = facts.max_position_share * (facts.equity or 0.0)
    lot_value = facts.step * (facts.price or 0.0)
    costs = round_trip_bps(facts.fee_bps, facts.spread_bps or 0.0) * facts.fee_edge_multiple
    edge, needed = apart((target.expected_edge_bps or 0.0) / 100, costs / 100, places=2)
    worth, smallest = apart(lots * lot_value, facts.min_notional, places=2)
    free, most = apart(facts.cash, facts.min_notional * _worst_cost(facts), places=2)
    there = (
        f"Already there: {facts.position_lots * lot_value:.2f} is held, the target is {target.fraction * largest:.2f}; "
        f"changes below {facts.rebalance_band * largest:.2f} are not traded."
    )
    flat = "Already flat: nothing is held and nothing is wanted."
    sentences = {
        ALREADY_THERE: there if facts.position_lots or target.fraction > 0 else flat,
        BELOW_MIN_NOTIONAL: f"Too small: {worth}, the smallest order is {smallest}.",
        BELOW_STEP: f"Too small: less than one step of {plain(Decimal(str(facts.step)))} would be traded.",
        EDGE_BELOW_COSTS: f"The edge of {edge} % does not pay {needed} % of fees and spread.",
        NO_CASH: f"Not enough cash: {free} is free, the smallest order may cost {most}.",
        COOLING_DOWN: f"Cooling down: closed {facts.minutes_since_close or 0:.0f} min ago, bought again after "
        f"{facts.reentry_minutes:.0f} min.",
        ORDER_WORKING: "An order of this instrument is still working.",
        PAUSED: f"The instrument is paused: {facts.paused_reason}",
        NO_PRICE: "No price, spread or equity is known, so nothing can be sized.",
        NO_EDGE_GIVEN: "The decision states no expected edge, so it can't be shown to pay its fees.",
    }
    return sentences[code]


def _shown(target: TargetExposure, facts: SizingFacts, lots: int) -> dict[str, Any]:
    shown = {name: round(value, 10) if isinstance(value, float) else value for name, value in asdict(facts).items()}
    return shown | {"fraction": target.fraction, "expected_edge_bps": target.expected_edge_bps, "lots": lots}
