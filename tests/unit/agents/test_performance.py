"""Figures of a run: worked out by hand where they can be, by a second plain formula where not, and bounded always."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.performance import curve_metrics as metrics_of_curves
from apps.agents.domain.performance.curve_metrics import curve_metrics, daily_sharpe
from apps.agents.domain.performance.equity_curve import DAY_MS, EquityCurve
from apps.agents.domain.performance.performance_report import Performance, months_beside, performance_report
from apps.agents.domain.performance.sharpe_significance import (
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
)
from apps.agents.domain.performance.trade_table import TradeTable, metrics_by, no_trades, trade_metrics

HOUR = DAY_MS // 24
returns_of_days = st.lists(st.integers(-2_000, 2_500).map(lambda bps: bps / 10_000), min_size=2, max_size=60)


def daily(values, start=0):
    return EquityCurve(start + np.arange(len(values)) * DAY_MS, np.array(values, dtype=float))


def grown(returns):
    return daily(np.concatenate([[1000.0], 1000.0 * np.cumprod(1.0 + np.array(returns))]))


def table(profits, *, symbol="BTC/USDT", reason="signal", closed=None):
    n = len(profits)
    ones = np.ones(n)
    return TradeTable(
        symbol=np.full(n, symbol),
        strategy=np.full(n, "sma_cross"),
        reason=np.full(n, reason) if isinstance(reason, str) else np.array(reason),
        opened=np.zeros(n, np.int64),
        closed=np.arange(n) * DAY_MS if closed is None else np.array(closed),
        quantity=ones,
        entry=100 * ones,
        exit=100 + np.array(profits, dtype=float),
        fees=0.5 * ones,
        profit=np.array(profits, dtype=float),
        returned=np.array(profits, dtype=float) / 100,
        adverse=0.01 * ones,
        favourable=0.02 * ones,
        bars=np.full(n, 3),
    )


def test_a_curve_worked_out_by_hand():
    found = curve_metrics(daily([100, 110, 99, 99, 121]))
    returns = [0.1, -0.1, 0.0, 121 / 99 - 1]
    mean, deviation = statistics.mean(returns), statistics.stdev(returns)
    assert found.total_return == pytest.approx(0.21)
    assert found.days == 4
    assert found.cagr is None
    assert found.volatility == pytest.approx(deviation * math.sqrt(365))
    assert found.sharpe == pytest.approx(mean / deviation * math.sqrt(365))
    assert found.sortino == pytest.approx(mean / math.sqrt(0.01 / 4) * math.sqrt(365))
    assert found.omega == pytest.approx((0.1 + 121 / 99 - 1) / 0.1)
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.calmar is None
    assert found.longest_drawdown_days == 3.0
    assert found.value_at_risk == pytest.approx(0.1)
    assert found.expected_shortfall == pytest.approx(0.1)


def test_a_drawdown_that_has_not_ended_counts_to_the_end():
    assert curve_metrics(daily([100, 90, 100, 95, 96, 97])).longest_drawdown_days == 3.0
    assert curve_metrics(daily([100, 99])).longest_drawdown_days == 1.0
    assert curve_metrics(daily([100, 101, 102])).longest_drawdown_days == 0.0


def test_what_a_short_or_flat_run_can_not_tell_is_unknown():
    flat = curve_metrics(daily([100, 100, 100]))
    assert (flat.sharpe, flat.sortino, flat.omega, flat.calmar) == (None, None, None, None)
    assert (flat.volatility, flat.max_drawdown, flat.total_return) == (0.0, 0.0, 0.0)
    short = curve_metrics(EquityCurve(np.array([0, HOUR]), np.array([100.0, 101.0])))
    assert (short.cagr, short.volatility, short.value_at_risk, short.days) == (None, None, None, 1)


def test_an_explosive_growth_is_unknown_rather_than_an_overflow():
    assert curve_metrics(daily([1.0, 0.5, *[1e300] * 30])).calmar is None


def test_a_calmar_ratio_is_told_of_thirty_days_on():
    """Of less it is a number without a meaning: 2e22 for the growth of a day."""
    month = [100.0, 90.0, *np.linspace(90.0, 121.0, 29)]
    assert curve_metrics(daily(month)).calmar == pytest.approx((1.21 ** (365.25 / 30) - 1) / 0.1)
    assert curve_metrics(daily(month[:-1])).calmar is None


@pytest.mark.parametrize("days", [3, 364, 365, 730])
def test_growth_a_year_is_told_of_a_whole_year_at_least_and_else_the_reason(days):
    """GIPS forbids to annualise returns of less than a year."""
    curve = daily(np.geomspace(100, 110, days + 1))
    report = performance_report(
        Performance(curve, curve, {}, invested=np.ones(days), traded=1.0, trades=no_trades()),
    )
    told = (report["equity"]["cagr"], report["buy_and_hold"]["cagr"])
    if days < 365:
        assert told == (None, None)
        reasons = {
            "cagr": f"A run of {days}.0 days is not annualised: growth a year is told of a whole year at least, "
            "as GIPS asks."
        }
        if days < 30:
            reasons["calmar"] = (
                f"A run of {days}.0 days has no Calmar ratio: it sets growth a year, told of 30 days at least, "
                "against the largest fall."
            )
        assert report["untold"] == reasons
    else:
        assert told == pytest.approx((1.1 ** (365.25 / days) - 1,) * 2)
        assert report["untold"] == {}


@pytest.mark.parametrize("first", [0, 5 * HOUR, 23 * HOUR])
def test_daily_returns_do_not_depend_on_the_bars(first):
    """Hourly points give the day's ends, whenever the run begins; midnight closes the day before."""
    times = first + np.arange(80) * HOUR
    values = 100.0 + np.arange(80)
    ends = [t for t in range(0, times[-1] + DAY_MS, DAY_MS) if times[0] < t <= times[-1]]
    wanted = [values[0], *[values[(t - first) // HOUR] for t in ends]]
    if times[-1] not in ends:
        wanted.append(values[-1])
    found = EquityCurve(times, values).daily_returns
    assert found == pytest.approx(np.diff(wanted) / np.array(wanted)[:-1])


@pytest.mark.parametrize(
    ("times", "values"),
    [([0, 1], [1.0, -1.0]), ([0, 1], [1.0, math.nan]), ([1, 1], [1.0, 1.0]), ([], []), ([0], [1.0, 2.0])],
)
def test_a_curve_that_can_not_be_is_refused(times, values):
    with pytest.raises(ValueError):
        EquityCurve(np.array(times, np.int64), np.array(values))


@given(returns_of_days, st.floats(0.01, 1000.0))
def test_figures_do_not_depend_on_the_currency(returns, factor):
    one = grown(returns)
    other = EquityCurve(one.times, one.values * factor)
    for (name, mine), theirs in zip(
        curve_metrics(one).as_json().items(), curve_metrics(other).as_json().values(), strict=True
    ):
        assert (mine is None) == (theirs is None), name
        if mine is not None:
            assert theirs == pytest.approx(mine, rel=1e-6, abs=1e-9), name


@given(returns_of_days)
def test_bounds_that_always_hold(returns):
    found = curve_metrics(grown(returns))
    assert 0.0 <= found.max_drawdown < 1.0
    assert found.expected_shortfall >= found.value_at_risk
    assert found.longest_drawdown_days <= len(returns)
    assert found.omega is None or found.omega >= 0.0
    if found.sharpe is not None and found.sortino is not None:
        assert found.sharpe * found.sortino >= 0.0
    assert found.max_drawdown == pytest.approx(_slow_drawdown(grown(returns).values), abs=1e-12)


@given(returns_of_days, st.integers(1, 9))
def test_a_long_curve_s_falls_are_read_block_by_block(returns, block):
    curve = grown(returns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics_of_curves, "BLOCK", block)
        deepest, longest = metrics_of_curves.falls(curve)
    highs = [*np.flatnonzero(curve.drawdowns <= 0.0).tolist(), len(curve.values) - 1]
    spans = [
        curve.times[end] - curve.times[high]
        for high, end in itertools.pairwise(highs)
        if high < end and curve.drawdowns[high + 1] > 0.0
    ]
    assert (deepest, longest) == (curve.drawdowns.max(), max(spans, default=0) / DAY_MS)


def _slow_drawdown(values):
    return max(1.0 - later / earlier for i, earlier in enumerate(values) for later in values[i:])


def test_the_probabilistic_sharpe_of_the_paper():
    """Bailey and Lopez de Prado (2012): for normal returns the spread is 1 + SR^2 / 2."""
    returns = np.array([0.02, -0.01, 0.015, -0.005, 0.01, 0.0, 0.03, -0.02] * 10)
    ratio = daily_sharpe(returns)
    centred = returns - returns.mean()
    skew = (centred**3).mean() / (centred**2).mean() ** 1.5
    kurtosis = (centred**4).mean() / (centred**2).mean() ** 2
    z = ratio * math.sqrt(79) / math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert probabilistic_sharpe(returns) == pytest.approx(statistics.NormalDist().cdf(z))
    assert probabilistic_sharpe(returns, above=ratio) == pytest.approx(0.5)
    assert probabilistic_sharpe(np.array([0.01, 0.01])) is None


def test_the_best_of_many_has_to_be_better():
    returns = np.array([0.02, -0.01, 0.015, -0.005] * 20)
    assert deflated_sharpe(returns, trials=1, variance=0.01) == probabilistic_sharpe(returns)
    found = [deflated_sharpe(returns, trials=n, variance=0.01) for n in (2, 10, 100, 1000)]
    assert found == sorted(found, reverse=True)
    # The expected maximum of n standard normals, from tables of order statistics: 1.54 of 10, 2.51 of 100.
    assert expected_best_sharpe(trials=10, variance=1.0) == pytest.approx(1.54, abs=0.05)
    assert expected_best_sharpe(trials=100, variance=1.0) == pytest.approx(2.51, abs=0.05)
    with pytest.raises(ValueError):
        expected_best_sharpe(trials=0, variance=1.0)


def test_trades_worked_out_by_hand():
    found = trade_metrics(table([10, -5, 0, 20, -10]))
    assert (found.trades, found.net_profit, found.fees) == (5, 15.0, 2.5)
    assert found.win_rate == pytest.approx(0.4)
    assert found.profit_factor == pytest.approx(2.0)
    assert found.expectancy == pytest.approx(3.0)
    assert found.expectancy_share == pytest.approx(0.03)
    assert (found.average_win, found.average_loss, found.best, found.worst) == (15.0, -7.5, 20.0, -10.0)
    assert (found.average_adverse, found.average_favourable, found.average_bars) == (0.01, 0.02, 3.0)


def test_no_trades_have_no_ratios():
    found = trade_metrics(no_trades())
    assert (found.trades, found.net_profit, found.win_rate, found.profit_factor, found.best) == (
        0,
        0.0,
        None,
        None,
        None,
    )
    assert trade_metrics(table([1.0, 2.0])).profit_factor is None


def test_groups_add_up_to_the_whole():
    trades = table([10, -5, 3, 20], reason=["stop", "signal", "stop", "end"], closed=[0, 31 * DAY_MS, 32 * DAY_MS, 1])
    reasons = metrics_by(trades, "exit_reason")
    assert {name: found.trades for name, found in reasons.items()} == {"stop": 2, "signal": 1, "end": 1}
    assert sum(found.net_profit for found in reasons.values()) == 28.0
    months = metrics_by(trades, "month")
    assert {name: found.net_profit for name, found in months.items()} == {"1970-01": 30.0, "1970-02": -2.0}


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        TradeTable(*[np.zeros(2)] * 13, np.zeros(1))


def test_months_stand_beside_holding():
    ours, theirs = daily(np.linspace(100, 160, 61)), daily(np.linspace(100, 40, 61))
    found = months_beside(ours, theirs)
    assert list(found) == ["1970-01", "1970-02", "1970-03"]
    assert found["1970-01"]["return"] == pytest.approx(0.31)
    assert found["1970-01"]["buy_and_hold_return"] == pytest.approx(-0.31)
    assert math.prod(1 + month["return"] for month in found.values()) == pytest.approx(1.6)


def test_the_report_names_every_group_and_the_instruments_without_trades():
    curve, holding = daily([100, 110, 105]), daily([100, 90, 120])
    report = performance_report(
        Performance(
            curve=curve,
            holding=holding,
            held_by_instrument={"BTC/USDT": 0.3, "ETH/USDT": 0.1},
            invested=np.array([0.0, 0.5]),
            traded=210.0,
            trades=table([5]),
        )
    )
    assert report["equity"]["excess_return"] == pytest.approx(0.05 - 0.2)
    assert (report["equity"]["exposure"], report["equity"]["average_invested"]) == (0.5, 0.25)
    assert report["equity"]["turnover"] == pytest.approx(2.0)
    assert report["buy_and_hold"]["total_return"] == pytest.approx(0.2)
    assert report["by"]["instrument"]["BTC/USDT"]["buy_and_hold_return"] == 0.3
    assert report["by"]["instrument"]["ETH/USDT"]["trades"] == 0
    assert set(report["by"]) == {"instrument", "strategy", "exit_reason", "month"}
