"""The compiled loops against a plain loop written from the rules, and against each other."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.backtest.signal_backtest import Costs, run_signal, sweep_crossings
from apps.agents.domain.backtest.strategy_views import stances_over
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.domain.candle_columns import CandleColumns
from tests.support.candle_columns import columns_of, random_columns

USUAL = Costs()


def plain_loop(columns, fast, slow, costs=USUAL, capital=1000.0):
    """SMA crossing by the book: exact window means, one bar after another, plain floats."""
    cash, units, entry, trades, equity = capital, 0.0, None, [], []
    closes = columns.close.tolist()
    wish = 0
    for place, opening in enumerate(columns.open.tolist()):
        if wish > 0 and not units:
            price = opening * (1 + costs.slippage)
            units, entry, paid, cash = cash / (price * (1 + costs.fee)), (place, price), cash, 0.0
        elif wish < 0 and units:
            price = opening * (1 - costs.slippage)
            cash = units * price * (1 - costs.fee)
            trades.append((entry[0], place, entry[1], price, units, cash - paid))
            units = 0.0
        equity.append(units * closes[place] if units else cash)
        wish = 0
        if place + 1 >= slow:
            quick = math.fsum(closes[place + 1 - fast : place + 1]) / fast
            steady = math.fsum(closes[place + 1 - slow : place + 1]) / slow
            wish = (quick > steady) - (quick < steady) if abs(quick / steady - 1) > 1e-12 else 0
    return trades, equity


def traded(run, columns):
    trades = run.performance.trades
    rows = np.searchsorted(columns.times, trades.opened), np.searchsorted(columns.times, trades.closed)
    return list(
        zip(
            *[each.tolist() for each in (*rows, trades.entry, trades.exit, trades.quantity, trades.profit)], strict=True
        )
    )


@pytest.mark.parametrize(("fast", "slow"), [(20, 50), (1, 2), (5, 30)])
@pytest.mark.parametrize("costs", [Costs(), Costs(fee=0.0), Costs(fee=0.002, slippage=0.0005)])
def test_every_trade_and_the_whole_curve_equal_the_plain_loop(fast, slow, costs):
    columns = random_columns(3_000, seed=fast)
    run = run_signal(build_strategy("sma_cross", {"fast": fast, "slow": slow}), columns, costs=costs)
    trades, equity = plain_loop(columns, fast, slow, costs)
    assert len(trades) > 20
    assert traded(run, columns) == trades
    assert run.performance.curve.values[1:].tolist() == equity


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=120), st.integers(1, 6), st.integers(1, 9))
def test_prices_with_many_ties_give_the_same_trades(prices, fast, more):
    columns = columns_of([price / 10 for price in prices])
    run = run_signal(build_strategy("sma_cross", {"fast": fast, "slow": fast + more}), columns)
    assert traded(run, columns) == plain_loop(columns, fast, fast + more)[0]


def test_a_flat_price_crosses_nothing():
    """Sums of 20 and 50 equal prices differ by rounding; that is no signal."""
    columns = columns_of([0.1] * 500)
    assert run_signal(build_strategy("sma_cross", {}), columns).performance.traded == 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_running_means_have_the_bits_of_the_exact_sum(seed, length):
    from apps.agents.domain.backtest.signal_kernels import take_means

    source = random.Random(seed)
    values = [source.choice([1e-6, 1.0, 70_000.0]) * source.random() for _ in range(200)]
    sums, windows, means = np.zeros((2, 2)), np.array([length, 3]), np.empty((2, 150))
    take_means(np.array(values), windows, 0, 150, sums, means)
    found = means[0].tolist()
    take_means(np.array(values), windows, 150, 200, sums, means)
    found = np.array(found + means[0, :50].tolist())
    wanted = [math.fsum(values[i + 1 - length : i + 1]) / length for i in range(length - 1, 200)]
    assert found[length - 1 :].tolist() == wanted
    assert np.isnan(found[: length - 1]).all()


def test_stances_at_once_are_the_votes_one_by_one():
    columns = random_columns(600, seed=5)
    strategy = build_strategy("sma_cross", {"fast": 7, "slow": 19})

    class OneByOne:
        name, needs_bars, vote = "one", strategy.needs_bars, strategy.vote

    assert (stances_over(strategy, columns, fee_bps=10) == stances_over(OneByOne(), columns, fee_bps=10)).all()


def test_a_strategy_without_stances_trades_its_votes():
    columns = random_columns(1_500, seed=6)
    run = run_signal(build_strategy("breakout", {}), columns)
    assert len(run.performance.trades) > 5
    assert set(run.performance.trades.strategy) == {"breakout"}


def test_a_signal_trades_at_the_next_opening_and_never_knows_the_bar():
    columns = columns_of([10, 10, 10, 11, 12, 13, 12, 9, 8, 8])
    run = run_signal(build_strategy("sma_cross", {"fast": 1, "slow": 3}), columns, costs=Costs(fee=0.0))
    trades = run.performance.trades
    assert trades.opened.tolist() == [columns.times[4]]
    assert trades.closed.tolist() == [columns.times[7]]
    assert (trades.entry[0], trades.exit[0]) == (columns.open[4], columns.open[7])
    assert trades.adverse[0] == pytest.approx(1 - columns.low[4:7].min() / trades.entry[0])
    assert trades.favourable[0] == pytest.approx(columns.high[4:7].max() / trades.entry[0] - 1)
    assert run.performance.invested.sum() == 3


def test_later_bars_change_nothing_earlier():
    columns = random_columns(1_000, seed=8)
    strategy = build_strategy("sma_cross", {})
    whole, part = (run_signal(strategy, rows).performance for rows in (columns, columns.rows(0, 700)))
    assert whole.curve.values[:701].tolist() == part.curve.values.tolist()


def test_a_position_that_is_open_at_the_end_stays_open():
    columns = columns_of([10] * 5 + list(range(11, 30)))
    run = run_signal(build_strategy("sma_cross", {"fast": 2, "slow": 4}), columns)
    assert len(run.performance.trades) == 0
    assert run.open_units * columns.close[-1] == pytest.approx(run.performance.curve.values[-1])
    assert run.performance.trades.profit.sum() == 0.0


def test_the_same_run_has_the_same_digest_and_another_has_not():
    columns = random_columns(2_000, seed=9)
    strategy = build_strategy("sma_cross", {})
    first, again = run_signal(strategy, columns), run_signal(strategy, columns)
    assert first.digest == again.digest
    assert run_signal(strategy, columns, costs=Costs(fee=0.002)).digest != first.digest


def test_a_sweep_is_many_runs():
    columns = random_columns(2_500, seed=10)
    pairs = [(fast, slow) for slow in (15, 40, 90) for fast in (3, 10, 14)]
    costs = Costs(fee=0.0005, slippage=0.0002)
    found = sweep_crossings(columns, pairs, costs=costs)
    for place, (fast, slow) in enumerate(pairs):
        run = run_signal(build_strategy("sma_cross", {"fast": fast, "slow": slow}), columns, costs=costs).performance
        assert found.trades[place] == len(run.trades)
        assert found.total_return[place] == run.curve.total_return
        assert found.max_drawdown[place] == run.curve.drawdowns.max()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda columns: run_signal(build_strategy("sma_cross", {}), columns.rows(0, 1)), "at least 2 candles"),
        (lambda columns: run_signal(build_strategy("sma_cross", {}), columns, capital=0.0), "starting capital was 0"),
        (lambda columns: sweep_crossings(columns, [(50, 20)]), r"was \(50, 20\)"),
        (lambda _: Costs(fee=1.0), "fee was 1.0"),
        (lambda _: Costs(slippage=-0.1), "slippage was -0.1"),
    ],
)
def test_what_can_not_be_is_refused_by_name(call, named):
    with pytest.raises(ValueError, match=named):
        call(random_columns(60, seed=1))


def test_columns_give_back_the_exact_decimals():
    columns = columns_of([0.1, 61_234.56, 0.00001234])
    assert [str(columns.candle(i).close.normalize()) for i in range(2)] == ["0.1", "61234.56"]
    assert columns.candle(2).close.normalize().as_tuple().digits == (1, 2, 3, 4)
    with pytest.raises(ValueError, match="ascend"):
        CandleColumns("BTC/USDT", "x", "1m", np.array([1, 1]), *[np.ones(2)] * 5)
