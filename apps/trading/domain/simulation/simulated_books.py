"""The books of a backtest: cash, reservations and positions moved by the same arithmetic as the ledger's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.portfolio import Holding, Valuation, valued
from apps.trading.domain.books.positions import FillEffect, PositionState, after_fill, losses_in_row_after
from apps.trading.domain.risk.book import Book, VenueStanding
from apps.trading.domain.risk.in_flight import InFlight
from apps.trading.domain.risk.loss_limits import LossMarks
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.trading_state import OpenCause
from apps.trading.domain.simulation.simulated_order import SimulatedOrder, SimulatedTrade

Prices = Mapping[str, Decimal | None]
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class SimulatedBooks:
    """``cash`` is free money, ``reserved`` what buys hold; ``held_units``: units that sales hold, by symbol."""

    portfolio_id: UUID
    cash: Decimal
    marks: LossMarks
    reserved: Decimal = ZERO
    positions: dict[str, PositionState] = field(default_factory=dict)
    held_units: dict[str, Decimal] = field(default_factory=dict)
    losses_in_row: int = 0
    last_loss_firm: datetime | None = None
    traded: Decimal = ZERO
    fees: Decimal = ZERO
    buys: list[datetime] = field(default_factory=list)

    def held(self, symbol: str) -> Decimal:
        """Units held, those that sales hold included."""
        position = self.positions.get(symbol)
        return ZERO if position is None else position.quantity

    def free_units(self, symbol: str) -> Decimal:
        """Units that no sale holds."""
        return self.held(symbol) - self.held_units.get(symbol, ZERO)

    def held_symbols(self) -> list[str]:
        """Instruments of which something is held."""
        return sorted(symbol for symbol, position in self.positions.items() if position.quantity)

    def valuation(self, prices: Prices) -> Valuation:
        """What all is worth at these prices."""
        return valued(cash=self.cash, reserved=self.reserved, holdings=self._holdings(), prices=prices)

    def exposure(self, symbol: str, prices: Prices) -> float | None:
        """The position's share of equity; None while a held price is unknown."""
        if not self.held(symbol):
            return 0.0
        equity, price = self.valuation(prices).equity, prices.get(symbol)
        if equity is None or price is None or equity <= 0:
            return None
        return float(over(times(self.held(symbol), price), equity))

    def reserve(self, order: SimulatedOrder, amount: Decimal) -> None:
        """Set aside what an approved order may need."""
        order.reserved_left = amount
        if order.side == "buy":
            self.cash, self.reserved = self.cash - amount, self.reserved + amount
        else:
            self.held_units[order.symbol] = self.held_units.get(order.symbol, ZERO) + amount

    def release(self, order: SimulatedOrder) -> None:
        """What is left of the reservation of an order at its end."""
        self.reserve(order, -order.reserved_left)
        order.reserved_left = ZERO

    def take(self, order: SimulatedOrder, fill: SimulatedTrade, rules: InstrumentRules) -> FillEffect:
        """Post a fill. Raises ``FillExceedsPositionError`` where more is sold than held."""
        before = self.positions.get(order.symbol, PositionState())
        effect = after_fill(
            before,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            at_firm=fill.at,
            rules=rules,
        )
        if order.side == "buy":
            needed = effect.cost + fill.fee
            from_reserved = min(order.reserved_left, needed)
            self.reserved, self.cash = self.reserved - from_reserved, self.cash - (needed - from_reserved)
        else:
            from_reserved = min(order.reserved_left, fill.quantity)
            self.held_units[order.symbol] -= from_reserved
            self.cash += effect.cost - fill.fee
        order.reserved_left -= from_reserved
        self.positions[order.symbol] = effect.position
        self.traded, self.fees = self.traded + effect.cost, self.fees + fill.fee
        if effect.closed_result is not None:
            self.losses_in_row = losses_in_row_after(self.losses_in_row, effect.closed_result)
            self.last_loss_firm = fill.at if effect.closed_result < 0 else self.last_loss_firm
        return effect

    def buys_last_hour(self, firm: datetime) -> int:
        """How many buys were approved within an hour before this time; times never go back."""
        while self.buys and self.buys[0] <= firm - HOUR:
            self.buys.pop(0)
        return len(self.buys)

    def book(
        self,
        rules: InstrumentRules,
        *,
        firm: datetime,
        working: Iterable[SimulatedOrder],
        causes: tuple[OpenCause, ...],
        limits: LimitValues,
    ) -> Book:
        """The portfolio as the gate reads it for an order of one instrument."""
        symbol, orders = rules.symbol, list(working)
        asked = [order for order in orders if not order.protective]
        held_by_buys: dict[str, Decimal] = {}
        for order in orders:
            spent = order.reserved_left if order.side == "buy" else ZERO
            held_by_buys[order.symbol] = held_by_buys.get(order.symbol, ZERO) + spent
        position = self.positions.get(symbol)
        return Book(
            account="paper",
            account_refusal=None,
            portfolio_id=self.portfolio_id,
            currency=rules.quote,
            symbol=symbol,
            cash=self.cash,
            reserved_cash=self.reserved,
            free_units=self.free_units(symbol),
            holdings=tuple(self._holdings()),
            working_buys=held_by_buys,
            day=self.marks.day,
            day_start_equity=self.marks.day_start_equity,
            peak_equity=self.marks.peak_equity,
            losses_in_row=self.losses_in_row,
            last_loss_firm=self.last_loss_firm,
            closed_firm=None if position is None else position.closed_firm,
            orders_last_hour=self.buys_last_hour(firm),
            open_orders=len(asked),
            open_on_symbol=sum(order.symbol == symbol for order in asked),
            unknown_orders=0,
            unknown_on_symbol=0,
            causes=causes,
            limits=limits,
            limits_version=1,
            order_exists=False,
            venue=VenueStanding(in_house=True),
            in_flight=tuple(in_flight(orders)),
        )

    def _holdings(self) -> list[Holding]:
        return [
            Holding(name, each.quantity, each.cost, dust=not each.is_open)
            for name, each in self.positions.items()
            if each.quantity
        ]


def in_flight(orders: Iterable[SimulatedOrder]) -> list[InFlight]:
    """What is left of the orders at the exchange, at the mark each was judged at."""
    return [
        InFlight(order.symbol, order.side, order.quantity - order.filled, order.mark_price)
        for order in orders
        if order.at_venue and order.mark_price is not None
    ]
