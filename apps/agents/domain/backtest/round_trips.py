"""From the orders of a run to closed trades: one row from flat to flat of each instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np

from apps.agents.domain.performance.trade_table import TradeTable, no_trades
from apps.foundation.money import ZERO
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.simulation.simulated_order import SimulatedOrder, SimulatedTrade

STOP, CONSENSUS = "stop", "consensus"


@dataclass(slots=True)
class _Trip:
    """A position from its first fill on. Money and units exact."""

    symbol: str
    strategy: str
    opened: datetime
    closed: datetime
    reason: str = ""
    bought: Decimal = ZERO
    cost: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(slots=True)
class _Trips:
    names: Mapping[UUID, str]
    done: list[_Trip] = field(default_factory=list)
    open: dict[str, _Trip] = field(default_factory=dict)

    def take(self, order: SimulatedOrder, fill: SimulatedTrade) -> None:
        trip = self.open.get(order.symbol)
        if trip is None:
            name = self.names.get(order.agent_id, "") if order.agent_id else ""
            trip = self.open[order.symbol] = _Trip(order.symbol, name, fill.at, fill.at)
        cost = times(fill.quantity, fill.price)
        trip.fees += fill.fee
        trip.closed = fill.at
        if order.side == "buy":
            trip.bought, trip.cost = trip.bought + fill.quantity, trip.cost + cost
            return
        trip.sold, trip.proceeds = trip.sold + fill.quantity, trip.proceeds + cost
        trip.reason = STOP if order.protective else CONSENSUS
        if trip.sold == trip.bought:
            self.done.append(self.open.pop(order.symbol))


def round_trips(
    orders: Sequence[SimulatedOrder], *, names: Mapping[UUID, str], series: Mapping[str, CandleColumns]
) -> TradeTable:
    """The closed trades, in the order of closing; what is still held at the end is none.

    ``names``: the strategy of each agent; a trade belongs to the one that led its first buy. ``series``: the bars on
    which each instrument was traded, for how far the price went while it was held.
    """
    trips = _Trips(names)
    fills = [(fill.at, order.symbol, order.id.hex, order, fill) for order in orders for fill in order.fills]
    for _, _, _, order, fill in sorted(fills, key=lambda each: each[:3]):
        trips.take(order, fill)
    if not trips.done:
        return no_trades()
    reached = [_reached(trip, series[trip.symbol]) for trip in trips.done]
    net = [trip.proceeds - trip.cost - trip.fees for trip in trips.done]
    return TradeTable(
        symbol=np.array([trip.symbol for trip in trips.done]),
        strategy=np.array([trip.strategy for trip in trips.done]),
        reason=np.array([trip.reason for trip in trips.done]),
        opened=np.array([timeframes.to_milliseconds(trip.opened) for trip in trips.done], np.int64),
        closed=np.array([timeframes.to_milliseconds(trip.closed) for trip in trips.done], np.int64),
        quantity=np.array([float(trip.bought) for trip in trips.done]),
        entry=np.array([float(over(trip.cost, trip.bought)) for trip in trips.done]),
        exit=np.array([float(over(trip.proceeds, trip.sold)) for trip in trips.done]),
        fees=np.array([float(trip.fees) for trip in trips.done]),
        profit=np.array([float(each) for each in net]),
        returned=np.array([float(over(each, trip.cost)) for each, trip in zip(net, trips.done, strict=True)]),
        adverse=np.array([each[0] for each in reached]),
        favourable=np.array([each[1] for each in reached]),
        bars=np.array([each[2] for each in reached], np.int64),
    )


def _reached(trip: _Trip, columns: CandleColumns) -> tuple[float, float, int]:
    """How far the price went against and for the trade, as shares of its entry, and over how many bars."""
    entry, left = float(over(trip.cost, trip.bought)), float(over(trip.proceeds, trip.sold))
    held = columns.between(timeframes.to_milliseconds(trip.opened), timeframes.to_milliseconds(trip.closed))
    lowest, highest = float(held.low.min(initial=left)), float(held.high.max(initial=left))
    return 1.0 - min(lowest, left, entry) / entry, max(highest, left, entry) / entry - 1.0, len(held)
