"""One paper account over bars: orders judged by the gate, filled by the paper exchange's rules, guarded by stops.

Each bar goes as in the running firm: its orders are matched, its stops watched, limits looked at, and only then is
anything decided. What is decided at a close meets the market at the next opening.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.foundation.money import ZERO, exact, floor_to
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.mark_price import Mark
from apps.trading.domain.books.dust import is_dust
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.position_sizing import NoTrade, TargetExposure, size_target
from apps.trading.domain.orders.target_order import sizing_facts, target_intent
from apps.trading.domain.risk.cause_kinds import KINDS, STALE_DATA, WELL_FOR
from apps.trading.domain.risk.correlation import Closes
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.in_flight import in_flight_loss
from apps.trading.domain.risk.loss_limits import LossMarks, LossStanding, reached_limits
from apps.trading.domain.risk.order_in_market import ClosesOf, MarketSight, facts_of_order, priced_in
from apps.trading.domain.risk.permission_rules import denied_in
from apps.trading.domain.risk.risk_gate import digest_of, first_denial
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.size_rules import correlation
from apps.trading.domain.risk.stale_data import Sight, stale_data
from apps.trading.domain.risk.trading_state import OpenCause, TradingState, permits, worst
from apps.trading.domain.simulation.simulated_books import Prices, SimulatedBooks, in_flight
from apps.trading.domain.simulation.simulated_order import SimulatedOrder, SimulatedTrade
from apps.trading.domain.stops.stop_placement import StopRule
from apps.trading.domain.stops.stop_triggers import Stretch, is_hit
from apps.trading.domain.venues.fill_simulation import Matched, match_orders, rested, slice_of_bar
from apps.trading.domain.venues.paper_terms import PaperTerms

Marks = Mapping[str, Mark]


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What the account trades under. ``resumes_daily``: somebody resumes trading when a new day (UTC) begins.

    ``keeps_digests``: each order keeps the digest of all that the gate looked at.
    """

    rules: Mapping[str, InstrumentRules]
    paper: Mapping[str, PaperTerms]
    limits: LimitValues
    resumes_daily: bool = False
    keeps_digests: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """ORDER, DENIED or NO_TRADE, with the code of why."""

    outcome: str
    code: str
    order: SimulatedOrder | None = None


@dataclass(slots=True)
class SimulatedAccount:
    """``average_range``: of an instrument's last bars up to now. ``orders``: all of them, in their order of birth.

    ``latched_at``: when each limit was reached that still restricts trading.
    """

    terms: AccountTerms
    books: SimulatedBooks
    average_range: Callable[[str], float | None]
    orders: list[SimulatedOrder] = field(default_factory=list)
    causes: dict[str, OpenCause] = field(default_factory=dict)
    latched_at: dict[str, datetime] = field(default_factory=dict)
    stops: dict[str, Decimal | None] = field(default_factory=dict)
    _open: list[SimulatedOrder] = field(default_factory=list)
    _armed: dict[str, int] = field(default_factory=dict)
    _well_since: datetime | None = None

    def concerned(self) -> list[str]:
        """Instruments whose prices the account follows: those held, and those of orders that are not at their end."""
        return sorted({*self.books.held_symbols(), *(order.symbol for order in self._open)})

    def sent(self) -> set[str]:
        """Instruments with an order at the exchange."""
        return {order.symbol for order in self._open if order.at_venue}

    @property
    def sees(self) -> bool:
        """Whether stale prices do not restrict it just now."""
        return STALE_DATA not in self.causes

    @property
    def waits(self) -> bool:
        """Whether nothing of it changes until a stop is hit, a limit reached or an order proposed."""
        return self.sees and not any(order.at_venue for order in self._open)

    def stop_of(self, symbol: str) -> Decimal | None:
        """At what price the stop fires that waits for the instrument; None where none does."""
        stop = self._waiting(symbol)
        return None if stop is None else stop.stop_price

    def match(self, bars: Sequence[Candle]) -> None:
        """Show the exchange the bars that close now, and take its fills into the books."""
        for bar in sorted(bars, key=lambda each: each.symbol):
            orders = [each for each in self._open if each.symbol == bar.symbol and _offered(each, bar)]
            if orders:
                self._match(orders, bar)

    def guard(self, bars: Sequence[Candle], marks: Marks, *, now: datetime) -> None:
        """Arm what is uncovered and fire the stops that these bars hit."""
        for symbol in self.books.held_symbols():
            self._cover(symbol, now)
        for bar in sorted(bars, key=lambda each: each.symbol):
            stop = self._waiting(bar.symbol)
            opened = self.books.positions[bar.symbol].opened_firm if stop is not None else None
            if stop is None or stop.stop_price is None or opened is None or bar.open_at < opened:
                continue
            stretch = Stretch(bar.open, bar.low, bar.high, bar.close)
            if is_hit(side="sell", type="stop", trigger=stop.stop_price, seen=stretch):
                self._fire(stop, marks[bar.symbol].price, now)

    def monitor(self, prices: Prices, *, now: datetime) -> Decimal | None:
        """Move the marks and latch reached limits; the equity, None while a held price is unknown."""
        equity = self.books.valuation(prices).equity
        if equity is not None:
            self._measure(equity, prices, now)
        return equity

    def follow(self, sight: Sight, *, now: datetime) -> None:
        """Restrict trading while prices are stale, and let it go on once they have been well for long enough."""
        found = stale_data(sight)
        if STALE_DATA not in self.causes:
            if found.bad:
                self.causes[STALE_DATA] = OpenCause(STALE_DATA, TradingState.REDUCING, found.reason, latched=False)
                self._well_since = None
            return
        self._well_since = (self._well_since or now) if found.well else None
        if self._well_since is not None and now - self._well_since >= WELL_FOR:
            del self.causes[STALE_DATA]

    def propose(self, target: TargetExposure, *, sight: MarketSight, now: datetime, closes_of: ClosesOf) -> Answer:
        """Size the target, let the gate judge it, and send what it approves."""
        working = [order for order in self._open if order.is_open]
        book = self.books.book(
            sight.rules, firm=now, working=working, causes=tuple(self.causes.values()), limits=self.terms.limits
        )
        sized = size_target(
            target=target, facts=sizing_facts(sight=sight, book=book, firm=now), step=sight.rules.step_size
        )
        if isinstance(sized, NoTrade):
            return Answer("NO_TRADE", sized.code)
        intent = target_intent(target, sized, target_order_id(target))
        barred = self.barred(intent)
        if barred and not self.terms.keeps_digests:
            return self.deny(target, intent, sight.mark.price, denial=barred, now=now)
        order, moment = priced_in(intent, sight=sight, book=book), Moment(wall=now, firm=now)
        see = partial(facts_of_order, order, sight=sight, book=book, moment=moment)
        facts = see(closes_of=closes_of if self.terms.keeps_digests else _unmeasured)
        rule, code = first_denial(facts)
        if rule == correlation.name and not self.terms.keeps_digests:
            facts = see(closes_of=closes_of)
            _, code = first_denial(facts)
        placed = self._ordered(target, intent, sight.mark.price, denial=code, now=now)
        if self.terms.keeps_digests:
            placed.gate_digest = digest_of(facts)
        return self._judged(placed, facts, now)

    def deny(
        self, target: TargetExposure, intent: OrderIntent, mark: Decimal | None, *, denial: str, now: datetime
    ) -> Answer:
        """Write the order down as denied with this code."""
        return Answer("DENIED", denial, self._ordered(target, intent, mark, denial=denial, now=now))

    def barred(self, intent: OrderIntent) -> str:
        """The gate's first denial where the trading state does not permit the order: nothing else needs a look.

        Nor is a limit newly reached then: the account is worth what ``monitor`` saw at this close.
        """
        state = worst(cause.state for cause in self.causes.values())
        allowed = permits(
            state,
            reducing=intent.reducing,
            reduce_only=intent.reduce_only,
            origin=intent.origin,
            privileged=intent.privileged,
        )
        return "" if allowed else denied_in(state)

    def _ordered(
        self, target: TargetExposure, intent: OrderIntent, mark: Decimal | None, *, denial: str, now: datetime
    ) -> SimulatedOrder:
        """The order as it is written down, allowed or not."""
        assert intent.order_id is not None
        assert intent.quantity is not None
        order = SimulatedOrder(
            id=intent.order_id,
            symbol=target.symbol,
            side=intent.side,
            quantity=exact(intent.quantity),
            proposed_at=now,
            state=OrderState.DENIED if denial else OrderState.ACCEPTED,
            reason=target.reason,
            mark_price=mark,
            agent_id=target.agent_id,
            decision_id=target.decision_id,
            denial=denial,
        )
        self.orders.append(order)
        return order

    def _judged(self, order: SimulatedOrder, facts: GateFacts, now: datetime) -> Answer:
        if not order.denial:
            self.books.reserve(order, facts.order.needs or ZERO)
            self._send(order, now)
            if order.side == "buy":
                self.books.buys.append(now)
        self._latch(LossStanding.of(facts), now)
        return Answer("ORDER", "ordered", order) if not order.denial else Answer("DENIED", order.denial, order)

    def _send(self, order: SimulatedOrder, now: datetime) -> None:
        order.accepted_at, order.state = now, OrderState.ACCEPTED
        order.funds = order.reserved_left if order.side == "buy" else None
        if order not in self._open:
            self._open.append(order)

    def _match(self, orders: list[SimulatedOrder], bar: Candle) -> None:
        rules, terms = self.terms.rules[bar.symbol], self.terms.paper[bar.symbol]
        outcomes = match_orders(
            orders=[order.as_offered() for order in orders],
            market=slice_of_bar(opening=bar.open, high=bar.high, low=bar.low, volume=bar.volume, terms=terms),
            taken=ZERO,
            tick=rules.tick_size,
            step=rules.step_size,
            terms=terms,
        )
        by_id = {order.id.hex: order for order in orders}
        rule = StopRule(self.average_range(bar.symbol), self.terms.limits, rules)
        for outcome in outcomes:
            self._take(by_id[outcome.order_id], outcome, rule, bar)
        self._open = [order for order in self._open if order.is_open]
        self._cover(bar.symbol, bar.close_at)

    def _take(self, order: SimulatedOrder, outcome: Matched, rule: StopRule, bar: Candle) -> None:
        after = rested(order.as_offered(), outcome)
        order.funds, order.resting = after.funds, True
        if outcome.fill is not None:
            fill = outcome.fill
            trade = SimulatedTrade(fill.quantity, fill.price, fill.fee, fill.liquidity, bar.open_at)
            effect = self.books.take(order, trade, self.terms.rules[order.symbol])
            order.fills.append(trade)
            order.filled += fill.quantity
            order.state = OrderState.PARTIALLY_FILLED
            if order.side == "buy":
                standing = None if effect.opens else self.stops[order.symbol]
                self.stops[order.symbol] = rule.after_buy(entry=fill.price, standing=standing)
            elif not self.books.held(order.symbol):
                self.stops[order.symbol] = None
        if outcome.ended is not None:
            order.state = OrderState(outcome.ended)
            self.books.release(order)

    def _waiting(self, symbol: str) -> SimulatedOrder | None:
        return next((o for o in self._open if o.symbol == symbol and o.state == OrderState.ARMED), None)

    def _cover(self, symbol: str, now: datetime) -> None:
        """Arm, resize or take back the stop, so that armed and working stops sum to what is held."""
        rules, position, stop = self.terms.rules[symbol], self.books.positions.get(symbol), self._waiting(symbol)
        if position is None:
            return
        sending = sum((o.quantity - o.filled for o in self._open if o.symbol == symbol and _selling(o)), ZERO)
        missing = max(ZERO, position.quantity - sending)
        dust = is_dust(quantity=position.quantity, price=position.average_price, rules=rules)
        if dust or not floor_to(missing, rules.step_size):
            missing = ZERO
        if stop is not None and missing:
            stop.quantity, stop.stop_price = missing, self.stops[symbol]
        elif stop is not None:
            stop.state = OrderState.CANCELED
            self._open.remove(stop)
        elif missing:
            self._arm(symbol, missing, now)

    def _arm(self, symbol: str, quantity: Decimal, now: datetime) -> None:
        opened = self.books.positions[symbol].opened_firm
        assert opened is not None
        position_id = derived_id("position", self.books.portfolio_id, symbol)
        key = f"{symbol} {opened.isoformat()}"
        number = self._armed.get(key, 0)
        self._armed[key] = number + 1
        stop = SimulatedOrder(
            id=derived_id("protective", position_id, opened, number),
            symbol=symbol,
            side="sell",
            quantity=quantity,
            proposed_at=max(now, opened),
            state=OrderState.ARMED,
            reason="protective stop",
            protective=True,
            stop_price=self.stops[symbol],
        )
        self.orders.append(stop)
        self._open.append(stop)

    def _fire(self, stop: SimulatedOrder, mark: Decimal | None, now: datetime) -> None:
        """Take other sales of the instrument back where they hold units that the stop needs, and send it.

        What fell below the least that the exchange takes waits until it is worth enough again.
        """
        rules = self.terms.rules[stop.symbol]
        if self.books.free_units(stop.symbol) < stop.quantity:
            for order in [o for o in self._open if o.symbol == stop.symbol and o.side == "sell" and not o.protective]:
                order.state = OrderState.CANCELED
                self.books.release(order)
                self._open.remove(order)
        quantity = floor_to(min(stop.quantity, self.books.free_units(stop.symbol)), rules.step_size)
        if is_dust(quantity=quantity, price=mark, rules=rules) or quantity <= ZERO:
            return
        stop.quantity = quantity
        self.books.reserve(stop, quantity)
        self._send(stop, now)

    def _measure(self, equity: Decimal, prices: Mapping[str, Decimal | None], now: datetime) -> None:
        today = now.astimezone(UTC).date()
        if self.terms.resumes_daily and today > self.books.marks.day:
            latched = [kind for kind in self.causes if KINDS[kind].latched]
            for kind in latched:
                del self.causes[kind], self.latched_at[kind]
            if latched:
                self.books.marks = LossMarks(today, equity, equity)
        self.books.marks = self.books.marks.at(equity=equity, today=today)
        marks, flying = self.books.marks, in_flight_loss(in_flight(self._open), prices)
        self._latch(LossStanding(equity, flying, marks.day_start_equity, marks.peak_equity), now)

    def _latch(self, standing: LossStanding, now: datetime) -> None:
        for reached in reached_limits(standing, self.terms.limits, known=self.causes):
            self.causes[reached.kind] = OpenCause(reached.kind, reached.state, reached.reason)
            self.latched_at[reached.kind] = now


def target_order_id(target: TargetExposure) -> UUID:
    """The identifier of the order that a target becomes."""
    return derived_id("target", target.decision_id, target.symbol)


def _unmeasured(_symbols: Sequence[str], _bars: int) -> Mapping[str, Closes]:
    """No closes: the gate then takes all that is held as moving together. What passes so passes once it is measured."""
    return {}


def _offered(order: SimulatedOrder, bar: Candle) -> bool:
    """Whether the exchange had the order when this bar opened."""
    return order.at_venue and order.accepted_at is not None and order.accepted_at <= bar.open_at


def _selling(order: SimulatedOrder) -> bool:
    """A stop that was fired and is being sold."""
    return order.protective and order.at_venue
