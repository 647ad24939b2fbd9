"""The whole house over recorded bars in one process: the same strategies, consensus, sizing, gate, fills and stops.

Nothing here decides anything: a bar is shown, and the functions that the running house lives by are called in the
order in which it calls them. A test holds a paper run in the database and this one to the same orders and fills.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from uuid import UUID

import numpy as np

from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.firm_rounds import BacktestAgent, FirmRounds
from apps.agents.domain.backtest.market_columns import market_columns
from apps.agents.domain.backtest.market_tape import MarketTape
from apps.agents.domain.backtest.pooled_rounds import PooledRounds, pooled_rounds
from apps.agents.domain.backtest.quiet_stretches import QuietStretches
from apps.agents.domain.backtest.round_trips import round_trips
from apps.agents.domain.backtest.signal_backtest import days_per_year
from apps.agents.domain.backtest.strategy_views import Progress, unheard
from apps.agents.domain.backtest.trading_stop import TradingStop, trading_stop
from apps.agents.domain.performance.equity_curve import EquityCurve, Series
from apps.agents.domain.performance.performance_report import Performance
from apps.foundation.identifiers import derived_id
from apps.foundation.money import widened
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.loss_limits import LossMarks
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LimitValues
from apps.trading.domain.risk.stale_data import Sight
from apps.trading.domain.simulation.simulated_account import AccountTerms, SimulatedAccount
from apps.trading.domain.simulation.simulated_books import SimulatedBooks
from apps.trading.domain.simulation.simulated_order import SimulatedOrder
from apps.trading.domain.venues.paper_terms import PaperTerms, terms_of

PAPER_PORTFOLIO = derived_id("portfolio", "paper")  # that of the house's paper account


@dataclass(frozen=True)
class FirmSetting:
    """``rules`` and ``terms`` by instrument; ``first_ms``: bars that close before it are history only.

    ``portfolio_id`` seeds the identifiers of orders, and with them the order in which the exchange serves two of one
    instrument: the same data, setting and portfolio make the same run bit for bit. ``keeps_digests``: each order keeps
    the digest of all that the gate looked at, which takes as long as the judgment.
    """

    agents: Sequence[BacktestAgent]
    rules: Mapping[str, InstrumentRules]
    capital: Decimal = Decimal(1000)
    policy: Policy = field(default_factory=Policy)
    limits: LimitValues = DEFAULT_LIMITS
    terms: Mapping[str, PaperTerms] = field(default_factory=dict)
    resumes_daily: bool = False
    first_ms: int = 0
    portfolio_id: UUID = PAPER_PORTFOLIO
    market: str = "recorded"
    keeps_digests: bool = False


@dataclass(frozen=True)
class FirmRun:
    """``outcomes``: how many rounds came to what, by outcome and code. ``digest``: of all orders with their fills.

    ``restrictions``: the causes that restrict trading at the end, in words. ``stopped``: the limit that ended trading
    before the run ended.
    """

    performance: Performance
    orders: Sequence[SimulatedOrder]
    outcomes: Mapping[tuple[str, str], int]
    restrictions: tuple[str, ...]
    stopped: TradingStop | None
    digest: str


def run_firm(
    series: Sequence[CandleColumns], setting: FirmSetting, *, progress: Progress = unheard, bar_by_bar: bool = False
) -> FirmRun:
    """The run over all bars of ``series``. Raises ``ValueError`` for series that make none, and what ``FirmRounds``
    raises.

    Where every strategy answers for all bars at once, closes at which nothing can happen are passed over together,
    unless ``bar_by_bar``; the run is the same.
    """
    tape = MarketTape(series, market=setting.market)
    _check(tape, setting)
    with widened():
        return _Run(tape, setting).play(progress, bar_by_bar=bar_by_bar)


class _Run:
    def __init__(self, tape: MarketTape, setting: FirmSetting) -> None:
        self.tape, self.setting = tape, setting
        self.times = tape.times[tape.times >= setting.first_ms]
        opens = timeframes.from_milliseconds(int(self.times[0]) - timeframes.seconds(tape.base) * 1_000)
        marks = LossMarks(opens.astimezone(UTC).date(), setting.capital, setting.capital)
        terms = AccountTerms(
            rules=setting.rules,
            paper={symbol: setting.terms.get(symbol) or terms_of(symbol) for symbol in tape.symbols},
            limits=setting.limits,
            resumes_daily=setting.resumes_daily,
            keeps_digests=setting.keeps_digests,
        )
        books = SimulatedBooks(portfolio_id=setting.portfolio_id, cash=setting.capital, marks=marks)
        self.account = SimulatedAccount(terms=terms, books=books, average_range=tape.average_range)
        self.equity, self.invested = np.empty(len(self.times) + 1), np.empty(len(self.times))
        self.equity[0] = float(setting.capital)
        self.rounds = FirmRounds(tape=tape, account=self.account, agents=setting.agents, policy=setting.policy)

    def play(self, progress: Progress, *, bar_by_bar: bool) -> FirmRun:
        pooled = None if bar_by_bar else self._pooled()
        if pooled is None:
            self._bar_by_bar(progress)
        else:
            self._from_look_to_look(pooled, progress)
        return self._result()

    def _bar_by_bar(self, progress: Progress) -> None:
        for place in range(len(self.times)):
            self.bar(place)
            self.rounds.decide()
            progress(place + 1, len(self.times))

    def _pooled(self) -> PooledRounds | None:
        fees = {symbol: float(terms.side_fee_bps) for symbol, terms in self.account.terms.paper.items()}
        asked, policy = self.rounds.asked, self.setting.policy
        return pooled_rounds(self.tape, self.times, asked=asked, policy=policy, fees_bps=fees)

    def _from_look_to_look(self, pooled: PooledRounds, progress: Progress) -> None:
        market = market_columns(self.tape, self.times)
        quiet = QuietStretches(self.rounds, pooled, market, self.times)
        place, bars = 0, len(self.times)
        while True:
            place, whole = quiet.next_look(place, self.equity, self.invested)
            progress(min(place + 1, bars), bars)
            if place == bars:
                break
            if whole:
                self.bar(place, fresh=not market.stale[place].any())
            else:
                self.tape.show(int(self.times[place]))
            quiet.decide(place, whole=whole)
            place += 1
        self.rounds.outcomes.update(quiet.outcomes())

    def bar(self, place: int, *, fresh: bool = False) -> None:
        """Let one bar become known: matched, guarded, measured. What the account does not follow is not looked at.

        ``fresh``: it is known already that no price is stale.
        """
        tape, account = self.tape, self.account
        tape.show(int(self.times[place]))
        followed, now = account.concerned(), tape.now
        bars = tape.bars(followed)
        account.match(bars)
        marks = tape.marks(followed)
        account.guard(bars, marks, now=now)
        worth = account.monitor({symbol: mark.price for symbol, mark in marks.items()}, now=now)
        held = frozenset(account.books.held_symbols())
        if not (fresh and account.sees):
            account.follow(Sight(tape.marks(tape.symbols), held, frozenset(tape.symbols)), now=now)
        self.equity[place + 1] = self.equity[place] if worth is None else float(worth)
        free = float(account.books.cash + account.books.reserved)
        self.invested[place] = 1.0 - free / self.equity[place + 1] if held else 0.0

    def _result(self) -> FirmRun:
        account, tape = self.account, self.tape
        times = np.concatenate([self.times[:1] - timeframes.seconds(tape.base) * 1_000, self.times])
        days = min(days_per_year(symbol) for symbol in tape.symbols)
        primary = {symbol: tape.primary(symbol) for symbol in tape.symbols}
        held = {symbol: self._held(columns) for symbol, columns in primary.items()}
        holding = np.mean(list(held.values()), axis=0) * float(self.setting.capital)
        performance = Performance(
            curve=EquityCurve(times, self.equity, days_per_year=days),
            holding=EquityCurve(times, holding, days_per_year=days),
            held_by_instrument={symbol: float(values[-1] - 1.0) for symbol, values in held.items()},
            invested=self.invested,
            traded=float(account.books.traded),
            trades=round_trips(
                account.orders, names={agent.id: agent.strategy.name for agent in self.setting.agents}, series=primary
            ),
        )
        return FirmRun(
            performance=performance,
            orders=tuple(account.orders),
            outcomes=dict(self.rounds.outcomes),
            restrictions=tuple(cause.reason for cause in account.causes.values()),
            stopped=trading_stop(
                account.causes,
                account.latched_at,
                began=timeframes.from_milliseconds(int(times[0])),
                ended=timeframes.from_milliseconds(int(times[-1])),
            ),
            digest=hashlib.sha256("\n".join(order.line() for order in account.orders).encode()).hexdigest(),
        )

    def _held(self, columns: CandleColumns) -> Series:
        """What one unit of money, put into the instrument at its first opening, is worth at each time."""
        part = columns.between(int(self.times[0]) - columns.length_ms, int(columns.times[-1]) + 1)
        fee = float(self.account.terms.paper[columns.symbol].side_fee_bps) / 10_000.0
        places = np.searchsorted(part.closes_at, self.times, side="right") - 1
        worth = np.where(places >= 0, part.close[np.maximum(places, 0)] / (part.open[0] * (1.0 + fee)), 1.0)
        return np.concatenate([[1.0], worth])


def _check(tape: MarketTape, setting: FirmSetting) -> None:
    if not setting.agents:
        raise ValueError("A run needs at least one agent.")
    unknown = sorted({symbol for agent in setting.agents for symbol in agent.symbols} - set(tape.symbols))
    if unknown:
        raise ValueError(f"An agent wants {', '.join(unknown)}, of which no series was given.")
    without = sorted(set(tape.symbols) - set(setting.rules))
    if without:
        raise ValueError(f"The trading rules of {', '.join(without)} were not given.")
    currencies = sorted({rules.quote for rules in setting.rules.values()})
    if len(currencies) != 1:
        raise ValueError(f"One portfolio is one currency, the instruments are paid in {' and '.join(currencies)}.")
    if not setting.capital > 0:
        raise ValueError(f"The starting capital was {setting.capital}; it must be above zero.")
    late = [symbol for symbol in tape.symbols if tape.primary(symbol).closes_at[-1] < setting.first_ms]
    if late:
        ends = timeframes.from_milliseconds(max(int(tape.primary(symbol).closes_at[-1]) for symbol in late))
        told = f"No bar of {', '.join(late)} lies after the start of the run"
        raise ValueError(f"{told}; the last one closed {ends:%Y-%m-%d %H:%M} UTC.")
