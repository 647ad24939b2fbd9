"""Plays a run from look to look: closes at which nothing can happen are passed over together.

Which closes those are a kernel finds in floats, with a margin. All that does happen goes through the same functions as
in a run bar by bar, and the equity in between is summed in whole numbers: the same run, to the last digit.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from apps.agents.domain.backtest.firm_rounds import FirmRounds
from apps.agents.domain.backtest.market_columns import MarketColumns, Whole
from apps.agents.domain.backtest.pooled_rounds import PooledRounds
from apps.agents.domain.standing_position import DENIED_RECENTLY, DUST
from apps.agents.domain.strategies.contract import Series
from apps.agents.domain.target_stance import FLAT, HOLD, PART, THERE, WEAK
from apps.foundation.money import SCALE
from apps.market.domain import timeframes
from apps.market.domain.quotes import RECORDED_HALF_SPREAD_BPS
from apps.trading.domain.books.fees import round_trip_bps
from apps.trading.domain.orders.position_sizing import CODES, COOLING_DOWN, EDGE_BELOW_COSTS
from apps.trading.domain.risk.cause_kinds import DAILY_LOSS, DRAWDOWN
from apps.trading.domain.risk.loss_limits import LossMarks
from apps.trading.domain.simulation.sure_denials import Standing, SureDenials

UNIT = 10**SCALE
EPOCH = date(1970, 1, 1)
SPREAD_BPS = 2 * float(RECORDED_HALF_SPREAD_BPS) * 0.999  # no assumed quote is narrower


class QuietStretches:
    """The account and its rounds as the kernel sees them. ``times``: the closes of the run in milliseconds."""

    def __init__(self, rounds: FirmRounds, pooled: PooledRounds, market: MarketColumns, times: Whole) -> None:
        from apps.agents.domain.backtest import quiet_kernel as kernel

        self._kernel, self._rounds, self._pooled, self._market, self._times = kernel, rounds, pooled, market, times
        self._account, self._symbols = rounds.account, rounds.tape.symbols
        self._denials = SureDenials(rounds.account)
        self._keys = list(rounds.asked)
        self._instruments = np.array([self._symbols.index(symbol) for symbol, _ in self._keys])
        count = len(self._symbols)
        self._held = np.empty(0, np.int64)
        self._units, self._stops = np.zeros(count), np.full(count, -1.0)
        self._denied_until, self._cooling_until = np.zeros(len(self._keys), np.int64), np.zeros(count, np.int64)
        self._counts, self._answers = np.zeros(kernel.ANSWERS, np.int64), np.zeros(len(self._keys), np.int8)
        self._busy = np.zeros(count, np.bool_)
        self._costs = np.array([self._least_costs(symbol) for symbol in self._symbols])
        self._money, self._rules = np.zeros(4), self._thresholds()
        self._today, self._sum, self._whole, self._causes = 0, 0, False, 0

    def next_look(self, start: int, equity: Series, invested: Series) -> tuple[int, bool]:
        """(the next close to look at from ``start`` on, whether the account must look too).

        ``equity`` and ``invested`` are filled up to that close, and with it where the account need not look.
        """
        if start < len(self._times) and not (self._account.waits and self._whole):
            return start, True
        market, pooled = self._market, self._pooled
        place, whole = self._kernel.next_look(
            start,
            self._today,
            market.lows,
            market.marks,
            market.stale,
            market.dark,
            market.days,
            pooled.codes,
            pooled.scores,
            pooled.edges,
            self._instruments,
            self._held,
            self._units,
            self._stops,
            self._busy,
            self._denied_until,
            self._cooling_until,
            self._costs,
            self._money,
            self._rules,
            self._counts,
            self._answers,
        )
        end = place if whole else min(place + 1, len(self._times))
        self._pass(start, end, equity, invested)
        return place, whole

    def decide(self, place: int, *, whole: bool) -> None:
        """Decide the rounds of this close that the kernel can't answer. ``whole``: the account has looked at it."""
        if whole:
            self._read_account()
            self._answer(place)
        looks = np.flatnonzero(self._answers == self._kernel.LOOK).tolist()
        standing = self._standing(place) if looks else None
        for number in looks:
            outcome = self._surely(place, number, standing) if standing is not None else ""
            if not outcome:
                outcome, _ = self._rounds.decide_on(*self._keys[number], *self._pooled.score(place, number))
            if outcome == "DENIED":
                self._note_denial(number)
        if len(self._account.causes) != self._causes:
            self._read_limits()

    def _standing(self, place: int) -> Standing | None:
        """What the account is worth at this close, where whole numbers tell it exactly and denials are likely."""
        if not self._whole or self._account.terms.keeps_digests:
            return None
        exposed = 0
        for number in self._held.tolist():
            middles = self._market.middles[number]
            if middles is None or np.isnan(self._market.marks[place, number]):
                return None
            exposed += middles.worth(self._account.books.held(self._symbols[number]), place, place + 1)[0]
        standing = Standing(Decimal(self._sum + exposed).scaleb(-SCALE), Decimal(exposed).scaleb(-SCALE))
        return standing if self._denials.likely(standing, self._rounds.tape.now) else None

    def _surely(self, place: int, number: int, standing: Standing) -> str:
        """What a round comes to whose proposal is surely refused; empty: the house decides."""
        (symbol, timeframe), rounds = self._keys[number], self._rounds
        candle, score = self._pooled.score(place, number)
        if candle is None or score is None or self._units[self._instruments[number]] > 0.0:
            return ""
        target = rounds.wanted(symbol, timeframe, candle, score, exposure=0.0)
        if isinstance(target, str):
            return ""
        tape = rounds.tape
        answer = self._denials.answer(target, mark=tape.mark(symbol), standing=standing, now=tape.now)
        if answer is None:
            return ""
        found = rounds.answered(timeframe, target, answer)
        rounds.outcomes[found] += 1
        return found[0]

    def _answer(self, place: int) -> None:
        """Have the kernel answer what it can of a close that the account has looked at."""
        sent = self._account.sent()
        self._busy[:] = [symbol in sent for symbol in self._symbols]
        self._kernel.look_at(
            place,
            self._market.marks,
            self._pooled.codes,
            self._pooled.scores,
            self._pooled.edges,
            self._instruments,
            self._held,
            self._units,
            self._busy,
            self._denied_until,
            self._cooling_until,
            self._costs,
            self._money,
            self._rules,
            self._counts,
            self._answers,
        )
        self._busy[:] = False

    def outcomes(self) -> Counter[tuple[str, str]]:
        """What the rounds came to that the kernel answered."""
        kernel = self._kernel
        told = {
            kernel.NOBODY_ASKED: ("SKIPPED", "nobody_asked"),
            kernel.NO_QUORUM: ("NO_TRADE", "no_quorum"),
            kernel.VETO: ("NO_TRADE", "veto"),
            kernel.WEAK: ("NO_TRADE", WEAK),
            kernel.FLAT: ("NO_TRADE", FLAT),
            kernel.THERE: ("NO_TRADE", THERE),
            kernel.HOLD: ("NO_TRADE", HOLD),
            kernel.DENIED: ("NO_TRADE", DENIED_RECENTLY),
            kernel.UNPAID: ("NO_TRADE", CODES[EDGE_BELOW_COSTS]),
            kernel.COOLING: ("NO_TRADE", CODES[COOLING_DOWN]),
        }
        return Counter({told[code]: int(self._counts[code]) for code in told if self._counts[code]})

    def _pass(self, start: int, end: int, equity: Series, invested: Series) -> None:
        """Write what the account is worth at the closes from ``start`` up to ``end``, and follow its highest."""
        if start == end:
            return
        if not len(self._held):
            equity[start + 1 : end + 1], invested[start:end] = self._money[self._kernel.FREE], 0.0
            return
        sums = [self._sum] * (end - start)
        for number in self._held.tolist():
            middles = self._market.middles[number]
            assert middles is not None
            quantity = self._account.books.held(self._symbols[number])
            sums = [before + worth for before, worth in zip(sums, middles.worth(quantity, start, end), strict=True)]
        equity[start + 1 : end + 1] = [each / UNIT for each in sums]
        invested[start:end] = 1.0 - self._money[self._kernel.FREE] / equity[start + 1 : end + 1]
        marks, highest = self._account.books.marks, Decimal(max(sums)).scaleb(-SCALE)
        if highest > marks.peak_equity:
            self._account.books.marks = LossMarks(marks.day, marks.day_start_equity, highest)
            self._money[self._kernel.PEAK] = float(highest)

    def _read_account(self) -> None:
        """Take over what is held, its stops and the money."""
        books = self._account.books
        held = books.held_symbols()
        self._units[:], self._stops[:] = 0.0, -1.0
        self._held = np.array([self._symbols.index(symbol) for symbol in held], np.int64)
        for number, symbol in zip(self._held.tolist(), held, strict=True):
            stop = self._account.stop_of(symbol)
            self._units[number], self._stops[number] = float(books.held(symbol)), -1.0 if stop is None else float(stop)
        pause = timedelta(minutes=self._account.terms.limits.reentry_minutes)
        for number, symbol in enumerate(self._symbols):
            position = books.positions.get(symbol)
            closed = None if position is None else position.closed_firm
            self._cooling_until[number] = 0 if closed is None else self._first_at(closed + pause)
        money = (books.cash + books.reserved).scaleb(SCALE)
        self._sum, self._whole = int(money), money == money.to_integral_value()
        self._money[self._kernel.FREE] = float(books.cash + books.reserved)
        self._read_limits()

    def _read_limits(self) -> None:
        """Take over the marks of the loss limits that are not reached yet."""
        marks, limits, causes = self._account.books.marks, self._account.terms.limits, self._account.causes
        self._causes = len(causes)
        above = 1.0 + self._kernel.MARGIN
        day, fall = (1.0 - float(each) for each in (limits.max_daily_loss, limits.max_drawdown))
        self._money[self._kernel.PEAK] = float(marks.peak_equity)
        self._money[self._kernel.DAY_FLOOR] = (
            -1.0 if DAILY_LOSS in causes else float(marks.day_start_equity) * day * above
        )
        self._money[self._kernel.PEAK_FLOOR] = -1.0 if DRAWDOWN in causes else fall * above
        self._today = (marks.day - EPOCH).days

    def _note_denial(self, number: int) -> None:
        key = self._keys[number]
        pause = self._rounds.policy.denied_pause_bars * timeframes.span(key[1])
        self._denied_until[number] = self._first_at(self._rounds.denied[key][0] + pause)

    def _first_at(self, at: datetime) -> int:
        """The first close at or after this time."""
        return int(self._times.searchsorted(timeframes.to_milliseconds(at)))

    def _least_costs(self, symbol: str) -> float:
        """What a round trip costs at least, in basis points, as often as an edge must pay it."""
        terms, limits = self._account.terms.paper[symbol], self._account.terms.limits
        costs = round_trip_bps(float(terms.side_fee_bps), SPREAD_BPS) * float(limits.fee_edge_multiple)
        return costs * (1.0 - self._kernel.MARGIN)

    def _thresholds(self) -> Series:
        stance, limits = self._rounds.policy.stance, self._account.terms.limits
        return np.array(
            [
                stance.enter,
                stance.leave,
                stance.full,
                PART,
                stance.band,
                float(limits.max_position_share),
                DUST,
                float(limits.rebalance_band),
            ]
        )
