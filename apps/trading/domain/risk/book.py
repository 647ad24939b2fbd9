"""The portfolio as the gate reads it under its lock, and what follows from it at given marks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.books.portfolio import Holding, Valuation, valued
from apps.trading.domain.risk.gate_facts import BookFacts, VenueFacts
from apps.trading.domain.risk.in_flight import InFlight, in_flight_loss
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.trading_state import OpenCause, worst

CLOCK_READING_COUNTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class VenueStanding:
    """The stored health of the account's venue; ``rung`` is None before its first answer.

    ``quarantine``: the oldest open break that keeps new risk out of the order's instrument.
    """

    in_house: bool
    rung: str | None = None
    reason: str = ""
    clock_offset_ms: int | None = None
    clock_wall: datetime | None = None
    quarantine: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """``free_units``: unreserved units of the order's base asset. ``working_buys``: money buys hold, by symbol.

    ``budgets_hold``: money in the agents' budgets, free or reserved. ``budget``: which of them pays the order, and
    ``budget_cash`` what is free there; the firm's own money for ``firm``.
    """

    account: str
    account_refusal: tuple[str, str] | None  # code and sentence of why nothing new is traded on it
    portfolio_id: UUID
    currency: str
    symbol: str
    cash: Decimal
    reserved_cash: Decimal
    free_units: Decimal
    holdings: tuple[Holding, ...]
    working_buys: Mapping[str, Decimal]
    day: date
    day_start_equity: Decimal
    peak_equity: Decimal
    losses_in_row: int
    last_loss_firm: datetime | None
    closed_firm: datetime | None
    orders_last_hour: int
    open_orders: int
    open_on_symbol: int
    unknown_orders: int
    unknown_on_symbol: int
    causes: tuple[OpenCause, ...]
    limits: LimitValues
    limits_version: int
    order_exists: bool
    venue: VenueStanding
    in_flight: tuple[InFlight, ...] = ()
    market_key: str | None = None
    budgets_hold: Decimal = ZERO
    budget: str = FIRM
    budget_cash: Decimal = ZERO

    @property
    def held_quantity(self) -> Decimal:
        """Units held of the order's instrument, reserved ones too."""
        return next((holding.quantity for holding in self.holdings if holding.symbol == self.symbol), ZERO)

    @property
    def budgets_exist(self) -> bool:
        """Whether any agent's budget holds money, or pays this order."""
        return self.budget != FIRM or self.budgets_hold != ZERO

    @property
    def spendable(self) -> Decimal:
        """Free money that a buy of the order's budget may use."""
        return self.cash if self.budget == FIRM else self.budget_cash

    @property
    def priced_symbols(self) -> list[str]:
        """Instruments whose marks the book's worth follows from."""
        return sorted({holding.symbol for holding in self.holdings} | {order.symbol for order in self.in_flight})

    def venue_at(self, wall: datetime) -> VenueFacts:
        """What is known of the account's venue; a reading of its clock counts for ten minutes."""
        standing = self.venue
        known = standing.clock_wall is not None and wall - standing.clock_wall <= CLOCK_READING_COUNTS
        return VenueFacts(
            account=self.account,
            in_house=standing.in_house,
            rung=standing.rung,
            reason=standing.reason,
            clock_offset_ms=standing.clock_offset_ms if known else None,
            quarantine=standing.quarantine,
        )

    def valued_at(self, prices: Mapping[str, Decimal | None]) -> Valuation:
        """What the portfolio is worth at these marks."""
        money = self.cash + self.budgets_hold
        return valued(cash=money, reserved=self.reserved_cash, holdings=self.holdings, prices=prices)

    def exposures_at(self, prices: Mapping[str, Decimal | None]) -> dict[str, Decimal | None]:
        """Value of each instrument held, and the money its working buys hold; None where a held one has no price."""
        exposures: dict[str, Decimal | None] = dict(self.working_buys)
        for holding in self.holdings:
            price = prices.get(holding.symbol)
            working = self.working_buys.get(holding.symbol, ZERO)
            exposures[holding.symbol] = None if price is None else times(holding.quantity, price) + working
        return exposures

    def facts_for(
        self,
        *,
        side: str,
        prices: Mapping[str, Decimal | None],
        held_for_order: Decimal = ZERO,
        today: date,
        position_budget: str = FIRM,
    ) -> BookFacts:
        """What the gate looks at. ``held_for_order``: funds that an armed order which fires has reserved already."""
        equity = self.valued_at(prices).equity
        free = self.spendable if side == "buy" else self.free_units
        # The first order of a day may come before anything has stored the day's start: it is now.
        starts_now = equity is not None and today > self.day
        return BookFacts(
            equity=equity,
            day_start_equity=equity if starts_now and equity is not None else self.day_start_equity,
            peak_equity=self.peak_equity,
            available=free + held_for_order,
            exposures=self.exposures_at(prices),
            held_quantity=self.held_quantity,
            orders_last_hour=self.orders_last_hour,
            open_orders=self.open_orders,
            unknown_orders=self.unknown_orders,
            unknown_on_symbol=self.unknown_on_symbol,
            losses_in_row=self.losses_in_row,
            last_loss_firm=self.last_loss_firm,
            state=worst(cause.state for cause in self.causes),
            state_reasons=tuple(cause.reason for cause in self.causes),
            in_flight_loss=in_flight_loss(self.in_flight, prices),
            position_budget=position_budget,
        )
