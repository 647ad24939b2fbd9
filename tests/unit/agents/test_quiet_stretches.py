"""A run that passes over quiet stretches is the run bar by bar: each order, verdict, fill and worth, to the digit."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.firm_rounds import BacktestAgent, StrategyFailedError
from apps.agents.domain.backtest.market_columns import assumed_middles
from apps.agents.domain.consensus import ConsensusRules
from apps.agents.domain.strategies.contract import VoteColumns
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.domain.target_stance import StanceRules
from apps.foundation.money import widened
from apps.market.domain.candle_columns import PRICES
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.quotes import assumed_quote
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS
from apps.trading.domain.venues.paper_terms import PaperTerms
from tests.support.candle_columns import columns_of

SYMBOLS = ("ADA/USDT", "BTC/USDT", "ETH/USDT")
QUICK = {
    "momentum": {"fast": 3, "slow": 8},
    "breakout": {"entry": 8, "exit": 4},
    "mean_reversion": {"entry": 1.0, "rsi": 5},
    "arbitrage": {},
}
BARS = 420


def market(seed, *, deviation=0.004, volume=1_000.0, silent=(), starts=(0, 0, 0), together=False):
    """Trends and noise in steps as an exchange has them; ``silent``: bars that the second instrument lacks;
    ``together``: all move as one.
    """
    series = []
    for number, (symbol, price, digits) in enumerate(zip(SYMBOLS, (0.5, 30_000.0, 99.0), (5, 2, 2), strict=True)):
        noise = np.random.default_rng([seed, 0 if together else number])
        drift = np.repeat(noise.choice([0.5, -0.5, 0.0], BARS // 40 + 1), 40)[:BARS] * deviation
        closes = np.round(price * np.exp(np.cumsum(drift + noise.normal(0.0, deviation, BARS))), digits)
        columns = columns_of(closes, symbol=symbol, volume=volume * (30_000.0 / price if volume < 1_000 else 1.0))
        kept = np.array([at >= starts[number] and not (number == 1 and at in silent) for at in range(BARS)])
        columns = replace(columns, **{name: getattr(columns, name)[kept] for name in ("times", *PRICES)})
        series.append(replace(columns, times=columns.times + 21 * 3_600_000))  # midnight comes after 180 bars
    return series


def house(*, timeframes=("1m",), parameters=QUICK, **changes):
    agents = [
        BacktestAgent(
            UUID(int=1_000 - place), name, build_strategy(name, given), timeframes[place % len(timeframes)], SYMBOLS
        )
        for place, (name, given) in enumerate(parameters.items())
    ]
    tick, step = Decimal("0.00001"), Decimal("0.00001")
    rules = {symbol: InstrumentRules(symbol, symbol[:3], "USDT", tick, step, step, Decimal(5)) for symbol in SYMBOLS}
    given = {"policy": Policy(ConsensusRules(quorum=0.25)), "resumes_daily": True, "keeps_digests": True}
    return FirmSetting(agents=agents, rules=rules, **(given | changes))


CASES = {
    "a losing streak, then a lost day": (
        market(9, deviation=0.012),
        house(limits=replace(DEFAULT_LIMITS, max_daily_loss=Decimal("0.003"), max_losses_in_row=2)),
    ),
    "calm, where hardly an edge pays": (market(2, deviation=0.0007), house(capital=Decimal("123.456789"))),
    "silence, late starts and too little volume": (
        market(3, volume=0.02, silent=range(150, 190), starts=(90, 0, 0)),
        house(),
    ),
    "two timeframes, wild prices and tight limits": (
        market(4, deviation=0.012),
        house(
            timeframes=("1m", "5m"),
            limits=replace(
                DEFAULT_LIMITS,
                max_daily_loss=Decimal("0.008"),
                max_drawdown=Decimal("0.5"),
                loss_cooldown_minutes=30,
                reentry_minutes=3,
            ),
        ),
    ),
    "another policy, halted for good": (
        market(5),
        house(
            limits=replace(DEFAULT_LIMITS, max_drawdown=Decimal("0.002"), rebalance_band=Decimal("0.6")),
            policy=Policy(ConsensusRules("log_odds", 0.25), StanceRules(enter=0.1, band=0.0), denied_pause_bars=2),
            resumes_daily=False,
            terms={symbol: PaperTerms(taker_fee_bps=Decimal(2)) for symbol in SYMBOLS},
            first_ms=int(market(5)[0].times[100]),
        ),
    ),
    "instruments that move together": (
        market(10, together=True),
        house(limits=replace(DEFAULT_LIMITS, max_correlated_share=Decimal("0.3"))),
    ),
    "two sources of one instrument": (
        [*market(6), replace(market(6)[0], source="elsewhere", close=market(6)[0].close * 1.001)],
        house(parameters={name: QUICK[name] for name in ("momentum", "breakout")}),
    ),
    "prices that are no round decimals": (
        [replace(columns, close=columns.close * (1.0 + 1e-13)) for columns in market(7)],
        house(),
    ),
    "a practice market": (market(8), house(market="simulated")),
}


def told(run):
    """All that a run says."""
    return {
        "orders": [
            (order.line(), order.gate_digest, order.mark_price, order.reason, order.agent_id, order.decision_id)
            for order in run.orders
        ],
        "digest": run.digest,
        "outcomes": dict(run.outcomes),
        "restrictions": run.restrictions,
        "stopped": run.stopped,
        "equity": run.performance.curve.values.tolist(),
        "invested": run.performance.invested.tolist(),
        "profits": run.performance.trades.profit.tolist(),
        "traded": run.performance.traded,
    }


@pytest.fixture(scope="module")
def runs():
    """Each case bar by bar, and from look to look."""
    return {
        name: (run_firm(series, given, bar_by_bar=True), run_firm(series, given))
        for name, (series, given) in CASES.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_the_run_is_the_run_bar_by_bar(runs, name):
    slow, fast = (told(run) for run in runs[name])
    for what, wanted in slow.items():
        assert fast[what] == wanted, what


@pytest.mark.parametrize("name", CASES)
def test_keeping_digests_changes_nothing_else(runs, name):
    """Without them a buy that the trading state bars is denied before anything else is looked at."""
    series, given = CASES[name]
    wanted, found = told(runs[name][0]), told(run_firm(series, replace(given, keeps_digests=False)))
    assert {order[1] for order in found["orders"]} <= {""}
    for each in (wanted, found):
        each["orders"] = [(order[0], *order[2:]) for order in each["orders"]]
    assert found == wanted


def test_the_cases_were_worth_comparing(runs):
    """Entries, exits by decision and by stop, partial fills, refusals of every stage and what latches."""
    met = sum((Counter(slow.outcomes) for slow, _ in runs.values()), Counter())
    codes = {code for (_, code), count in met.items() if count}
    assert codes >= {
        "nobody_asked", "no_quorum", "score_too_weak", "nothing_to_sell", "already_there", "hold", "ordered",
        "edge_below_costs", "cooling_down", "denied_recently", "loss_streak_cooldown", "order_working",
    }, codes  # fmt: skip
    orders = [order for slow, _ in runs.values() for order in slow.orders]
    assert any(order.protective and order.fills for order in orders)
    assert any(order.side == "sell" and not order.protective and order.fills for order in orders)
    assert any(len(order.fills) > 1 for order in orders)
    denials = {order.denial for order in orders}
    assert denials >= {
        "trading_reducing",
        "trading_halted",
        "gross_exposure_too_large",
        "correlated_exposure_too_large",
    }, denials


def test_quiet_stretches_are_passed_over(runs):
    """The kernel answers most rounds: of the trading house's closes fewer than half are looked at."""
    looked = []
    series, given = CASES["calm, where hardly an edge pays"]
    run = run_firm(series, given, progress=lambda done, whole: looked.append((done, whole)))
    assert run.digest == runs["calm, where hardly an edge pays"][0].digest
    assert looked[-1] == (BARS, BARS)
    assert [done for done, _ in looked] == sorted(done for done, _ in looked)
    assert len(looked) < BARS / 2


def test_a_vote_for_all_bars_that_the_house_would_refuse_ends_the_run_by_name():
    class Wild:
        name, needs_bars = "wild", 1

        def vote(self, _view):
            raise AssertionError("It answers for all bars at once.")

        def votes_over_bars(self, view, *, sources):
            assert sources == 1
            direction = np.zeros(view.bars)
            direction[2] = float("nan")
            return VoteColumns(direction, direction * 0.0 + 0.5, np.zeros(view.bars, np.bool_), 3)

    agent = BacktestAgent(UUID(int=1), "wild-1", Wild(), "1m", SYMBOLS[:1])
    with pytest.raises(StrategyFailedError, match=r"wild-1 voted a direction of nan at 2024-01-01 21:03"):
        run_firm(market(1), replace(house(), agents=[agent]))


@settings(max_examples=60, deadline=None)
@given(
    price=st.floats(1e-4, 9e6),
    digits=st.integers(0, 8),
    walk=st.lists(st.floats(0.2, 5.0), min_size=1, max_size=4),
    units=st.decimals(Decimal("0.00000001"), Decimal(100_000), places=8),
)
def test_marks_in_whole_units_are_the_middles_of_the_assumed_quotes(price, digits, walk, units):
    closes = np.maximum(np.round(price * np.cumprod([1.0, *walk]), digits), 10.0**-digits)
    found = assumed_middles(closes)
    if found is None:  # more than 14 digits
        assert closes.max() * 10.0**digits > 8e14
        return
    at = datetime(2026, 11, 28, tzinfo=UTC)
    with widened():
        for place, close in enumerate(closes.tolist()):
            exact = Decimal(repr(close))
            candle = Candle("ADA/USDT", "staged", "1m", at, exact, exact, exact, exact, Decimal(1))
            middle = assumed_quote(candle, received_at=at, market="recorded").middle
            assert Decimal(int(found.units[place])).scaleb(-found.decimals) == middle
            assert Decimal(found.worth(units, place, place + 1)[0]).scaleb(-18) == times(units, middle)


@pytest.mark.parametrize("close", [1 / 3, 123456789012345.6, float("nan"), 0.0])
def test_prices_of_too_many_digits_have_no_whole_marks(close):
    assert assumed_middles(np.array([close, 1.0])) is None
