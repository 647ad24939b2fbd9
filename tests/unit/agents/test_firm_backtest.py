"""The whole house over candles: what must hold of every run, whatever the market does."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
from apps.agents.domain.backtest.firm_rounds import BacktestAgent, StrategyFailedError
from apps.agents.domain.backtest.market_tape import MarketTape
from apps.agents.domain.backtest.strategy_views import view_at
from apps.agents.domain.strategies.contract import StrategyVote
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import coarser
from apps.market.domain.candles import aggregate
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS
from apps.trading.domain.venues.paper_terms import PaperTerms
from tests.support.candle_columns import columns_of, random_columns

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def rules_of(symbol):
    base, quote = symbol.split("/")
    tick, step = Decimal("0.01"), Decimal("0.00001")
    return InstrumentRules(symbol, base, quote, tick, step, step, Decimal(5))


class Always:
    """Votes the same at every bar."""

    name, needs_bars = "always", 1

    def __init__(self, direction=1.0):
        self.direction = direction

    def vote(self, _view):
        return StrategyVote(self.direction, 0.9, abstain=False, horizon_bars=50, reason="A test says so.")


def agent(strategy, *, number=1, symbols=SYMBOLS[:1], timeframe="1m"):
    return BacktestAgent(UUID(int=number), f"{strategy.name}-{number}", strategy, timeframe, symbols)


def setting(*agents, symbols=SYMBOLS[:1], **changes):
    return FirmSetting(agents=agents, rules={symbol: rules_of(symbol) for symbol in symbols}, **changes)


def swinging(bars=400, *, seed=3, symbol="BTC/USDT", start=100.0):
    """Trends of some length with noise, in cents: enough edge for entries and exits of every kind."""
    noise = np.random.default_rng(seed)
    drift = np.repeat(noise.choice([0.002, -0.002, 0.0], bars // 40 + 1), 40)[:bars]
    close = start * np.exp(np.cumsum(drift + noise.normal(0, 0.004, bars)))
    return columns_of(np.round(close, 2), symbol=symbol)


def four_agents(symbols=SYMBOLS):
    names = ("momentum", "breakout", "mean_reversion", "sma_cross")
    return [agent(build_strategy(name, {}), number=i + 1, symbols=symbols) for i, name in enumerate(names)]


@pytest.fixture(scope="module")
def two():
    series = [swinging(seed=3), swinging(seed=4, symbol="ETH/USDT", start=50.0)]
    given = setting(*four_agents(), symbols=SYMBOLS)
    return series, given, run_firm(series, given)


def test_money_is_neither_made_nor_lost_but_by_trading(two):
    """The curve's end is the capital plus what each fill brought, at the last prices."""
    series, _, run = two
    cash, units = Decimal(1000), dict.fromkeys(SYMBOLS, Decimal(0))
    for order in run.orders:
        for fill in order.fills:
            sign = 1 if order.side == "buy" else -1
            cash -= sign * fill.quantity * fill.price + fill.fee
            units[order.symbol] += sign * fill.quantity
    assert all(held >= 0 for held in units.values())
    worth = float(cash) + sum(float(units[c.symbol]) * c.close[-1] for c in series)
    assert run.performance.curve.values[-1] == pytest.approx(worth, rel=1e-5)
    assert len(run.performance.trades) >= 5
    closed = sum(1 for held in units.values() if held == 0)
    assert closed == 2 or len(run.performance.trades) < sum(order.side == "buy" for order in run.orders)


def test_the_profit_of_the_trades_is_the_change_of_cash():
    """Where nothing is held at the end, all profit is that of closed trades."""
    run = run_firm([swinging(seed=3)], setting(*four_agents(SYMBOLS[:1])))
    held = sum((1 if o.side == "buy" else -1) * f.quantity for o in run.orders for f in o.fills)
    assert len(run.performance.trades) >= 2
    profit = run.performance.trades.profit.sum()
    if not held:
        assert run.performance.curve.values[-1] - 1000 == pytest.approx(profit, abs=1e-9)
    assert run.performance.traded == pytest.approx(
        float(sum(f.quantity * f.price for o in run.orders for f in o.fills))
    )


def test_the_same_run_is_the_same_bit_for_bit(two):
    series, given, run = two
    again = run_firm(series, given)
    assert again.digest == run.digest
    assert again.performance.curve.values.tobytes() == run.performance.curve.values.tobytes()
    assert again.outcomes == run.outcomes
    other = run_firm(series, replace(given, portfolio_id=UUID(int=7)))
    assert other.digest != run.digest  # other identifiers of stops, the same trades
    assert other.performance.trades.profit.tolist() == run.performance.trades.profit.tolist()


def test_the_order_in_which_agents_and_series_are_given_does_not_matter(two):
    series, given, run = two
    assert run_firm(series[::-1], replace(given, agents=given.agents[::-1])).digest == run.digest


def test_later_bars_change_nothing_earlier(two):
    series, given, run = two
    part = run_firm([columns.rows(0, 250) for columns in series], given)
    assert part.performance.curve.values.tolist() == run.performance.curve.values[:251].tolist()
    early = [order.id for order in run.orders if order.proposed_at <= part.orders[-1].proposed_at]
    assert [order.id for order in part.orders] == early


def test_limits_hold_at_every_fill(two):
    _, _, run = two
    limits = DEFAULT_LIMITS
    assert all(
        o.quantity * o.mark_price <= limits.max_order_notional for o in run.orders if o.side == "buy" and o.fills
    )
    assert run.performance.invested.max() <= float(limits.max_gross_exposure) * 1.2  # prices move after the gate


def test_every_round_comes_to_something(two):
    series, _, run = two
    assert sum(run.outcomes.values()) == 2 * len(series[0])
    assert run.outcomes["SKIPPED", "nobody_asked"] == 2 * 49  # the shortest window is sma_cross's 50 bars
    assert sum(count for (outcome, _), count in run.outcomes.items() if outcome == "ORDER") == len(
        [o for o in run.orders if not o.protective and not o.denial]
    )


def test_what_is_decided_at_a_close_trades_at_the_next_opening_with_its_costs():
    closes = [100 * (1.01 if i % 2 else 1.0) for i in range(120)]
    columns = columns_of(closes)
    terms = PaperTerms(taker_fee_bps=Decimal(20), slippage_bps=Decimal(10), impact_bps=Decimal(0))
    run = run_firm([columns], setting(agent(Always()), terms={"BTC/USDT": terms}))
    order = run.orders[0]
    fill = order.fills[0]
    bar = columns.candle(int(np.searchsorted(columns.times, order.proposed_at.timestamp() * 1000)))
    assert fill.at == order.proposed_at == bar.open_at
    assert fill.price >= bar.open * (1 + Decimal("0.0011"))
    assert fill.price <= bar.open * (1 + Decimal("0.0011")) + Decimal("0.01")
    assert fill.fee == fill.quantity * fill.price * Decimal("0.002")


def test_a_fall_sells_at_the_stop_and_the_trade_says_so():
    closes = [100 * (1.01 if i % 2 else 1.0) for i in range(120)] + [90.0, 80.0, 80.0]
    run = run_firm([columns_of(closes)], setting(agent(Always())))
    stopped = [order for order in run.orders if order.protective and order.fills]
    assert len(stopped) == 1
    trades = run.performance.trades
    assert trades.reason.tolist()[-1] == "stop"
    assert trades.profit[-1] < 0
    assert stopped[0].fills[0].price < stopped[0].stop_price  # a gap fills at the gap
    assert trades.adverse[-1] > 0.1


def test_a_deep_loss_latches_and_a_person_may_resume_each_day():
    swing = [100 * (1.01 if i % 2 else 1.0) for i in range(400)]
    fall = np.concatenate([swing[:200], np.repeat(50.0, 3), np.array(swing[203:]) / 2])
    wild = replace(
        DEFAULT_LIMITS,
        max_stop_distance=Decimal("0.5"),
        min_stop_distance=Decimal("0.5"),
        max_daily_loss=Decimal("0.02"),
    )
    given = setting(agent(Always()), limits=wild)
    columns = columns_of(fall)
    columns = replace(columns, times=columns.times + (24 * 60 - 300) * 60_000)  # midnight comes 97 bars after the fall
    stays, resumes = run_firm([columns], given), run_firm([columns], replace(given, resumes_daily=True))
    assert any("Lost" in reason for reason in stays.restrictions)
    assert not resumes.restrictions
    assert resumes.stopped is None
    fallen = timeframes.from_milliseconds(int(columns.closes_at[200]))
    assert (stays.stopped.at, stays.stopped.reason) == (fallen, stays.restrictions[0])
    assert stays.stopped.after_days == pytest.approx(201 / 1440)
    assert stays.stopped.days == pytest.approx(400 / 1440)
    assert stays.stopped.sentence() == (
        f"Trading stopped at {fallen:%Y-%m-%d %H:%M} UTC, after 0.1 of 0.3 days: {stays.restrictions[0]} From then on "
        "no purchase was allowed: what follows shows at most the sale of what was held."
    )
    assert all(order.proposed_at <= fallen for order in stays.orders if order.side == "buy" and order.fills)
    last = [[o.proposed_at for o in run.orders if o.side == "buy" and o.fills][-1] for run in (stays, resumes)]
    assert last[0].day == 1
    assert last[1].day == 2


def test_partial_fills_wait_for_volume():
    columns = columns_of([100 * (1.01 if i % 2 else 1.0) for i in range(120)], volume=8.0)
    run = run_firm([columns], setting(agent(Always())))
    assert len(run.orders[0].fills) > 1
    assert {fill.quantity for fill in run.orders[0].fills[:-1]} == {Decimal("0.8")}


def test_votes_on_a_longer_timeframe_come_from_complete_candles():
    columns = random_columns(900, seed=12)
    candles = [columns.candle(i) for i in range(len(columns)) if i not in {7, 311}]
    keep = np.array([i not in {7, 311} for i in range(900)])
    lost = replace(
        columns, **{n: getattr(columns, n)[keep] for n in ("times", "open", "high", "low", "close", "volume")}
    )
    made, wanted = coarser(lost, "15m"), aggregate(candles, "15m")
    assert len(made) == len(wanted) == 58
    for place, candle in enumerate(wanted):
        found = made.candle(place)
        assert (found.open_at, found.open, found.high, found.low, found.close) == (
            candle.open_at, candle.open, candle.high, candle.low, candle.close,
        )  # fmt: skip
    with pytest.raises(ValueError, match="can't be made"):
        coarser(made, "1m")


def test_two_sources_make_the_mark_and_let_arbitrage_vote():
    here = columns_of([100.0] * 60)
    there = replace(columns_of([101.5] * 60), source="elsewhere")
    tape = MarketTape([here, there])
    tape.show(int(here.closes_at[-1]))
    assert [venue.source for venue in tape.venues("BTC/USDT")] == ["staged", "elsewhere"]
    assert tape.mark("BTC/USDT").diverging
    vote = build_strategy("arbitrage", {}).vote(view_at(here, 59, 1, fee_bps=10.0, venues=tape.venues("BTC/USDT")))
    assert vote.direction == 1.0


def test_a_vote_that_the_house_would_refuse_ends_the_run_by_name():
    with pytest.raises(StrategyFailedError, match=r"always-1 voted a direction of nan at 2024-01-01 00:01"):
        run_firm([columns_of([100.0] * 5)], setting(agent(Always(float("nan")))))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"agents": ()}, "at least one agent"),
        ({"agents": (agent(Always(), symbols=("XRP/USDT",)),)}, "wants XRP/USDT"),
        ({"rules": {}}, "rules of BTC/USDT"),
        ({"capital": Decimal(0)}, "starting capital was 0"),
        ({"first_ms": 2**60}, "No bar of BTC/USDT"),
    ],
)
def test_what_makes_no_run_is_refused(changes, told):
    given = replace(setting(agent(Always())), **changes)
    with pytest.raises(ValueError, match=told):
        run_firm([columns_of([100.0] * 5)], given)


def test_series_of_two_timeframes_or_given_twice_are_refused():
    one = columns_of([100.0] * 5)
    with pytest.raises(ValueError, match="one timeframe"):
        MarketTape([one, columns_of([100.0] * 5, timeframe="5m")])
    with pytest.raises(ValueError, match="given twice"):
        MarketTape([one, one])
