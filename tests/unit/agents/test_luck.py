"""What chance could have made of a run: bootstrap of days and Monte Carlo of trades."""

from dataclasses import replace

import numpy as np
import pytest

from apps.agents.domain.performance.bootstrap_significance import FEWEST_DAYS, bootstrap_significance
from apps.agents.domain.performance.equity_curve import DAY_MS, EquityCurve
from apps.agents.domain.performance.resampled_trades import FEWEST_TRADES, resampled_trades
from apps.agents.domain.performance.trade_table import TradeTable, no_trades


def curve(returns) -> EquityCurve:
    values = 1000.0 * np.cumprod(np.concatenate([[1.0], 1.0 + np.asarray(returns)]))
    return EquityCurve(DAY_MS * np.arange(len(values)), values)


def days(seed: int, mean: float, count: int = 250) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, count)


def trades(profits) -> TradeTable:
    profits = np.asarray(profits, dtype=float)
    count = len(profits)
    empty = no_trades()
    columns = {name: np.zeros(count, dtype=getattr(empty, name).dtype) for name in empty.__dataclass_fields__}
    return TradeTable(**columns | {"profit": profits})


FLAT = curve(np.zeros(250))


def test_an_edge_is_told_from_luck_and_the_same_seed_tells_the_same():
    good, none = curve(days(1, 0.002)), curve(days(1, 0.0) - days(1, 0.0).mean())
    found = bootstrap_significance(good, FLAT, seed=5)
    assert found.luck_probability < 0.01
    assert found.luck_probability_beyond_holding == found.luck_probability
    assert found.sharpe[0] > 0.0
    assert found.total_return[0] < good.total_return < found.total_return[1]
    assert 0.4 < bootstrap_significance(none, FLAT, seed=5).luck_probability < 0.6
    assert bootstrap_significance(good, FLAT, seed=5) == found
    assert bootstrap_significance(good, FLAT, seed=6) != found


def test_without_an_edge_small_probabilities_are_as_rare_as_they_say():
    """Of many worthless strategies about one in ten has a probability below a tenth (binomial, four deviations)."""
    found = [
        bootstrap_significance(curve(days(seed, 0.0, 60)), curve(np.zeros(60)), seed=seed, samples=200)
        for seed in range(200)
    ]
    low = sum(each.luck_probability < 0.1 for each in found)
    assert abs(low - 20) < 4 * np.sqrt(200 * 0.1 * 0.9)


def test_blocks_keep_days_together_that_hang_together():
    """Runs of ten equal days vary more between histories than single days do."""
    rough = np.repeat(days(3, 0.001, 30), 10)
    mixed = np.random.default_rng(0).permutation(rough)
    wide, narrow = (
        bootstrap_significance(curve(each), curve(np.zeros(300)), seed=1).total_return for each in (rough, mixed)
    )
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


@pytest.mark.parametrize("returns", [np.full(250, 0.001), days(1, 0.0, FEWEST_DAYS - 1)])
def test_too_few_or_too_equal_days_tell_nothing(returns):
    assert bootstrap_significance(curve(returns), curve(np.zeros(len(returns))), seed=1) is None


def test_a_run_that_only_holds_is_nothing_beyond_holding():
    held = curve(days(2, 0.001))
    assert bootstrap_significance(held, held, seed=1).luck_probability_beyond_holding is None


def test_another_order_changes_the_drawdown_and_not_the_end():
    calm = trades([10.0, -5.0] * 50)
    found = resampled_trades(calm, capital=1000.0, seed=3)
    assert found.total_return == pytest.approx(0.25)
    assert found.largest_drawdown < 0.006  # each loss follows a win
    assert found.shuffled_drawdown["p5"] > found.largest_drawdown
    assert found.calmer_orders == 0.0
    assert found.drawn_return["p5"] < 0.25 < found.drawn_return["p95"]
    assert list(found.drawn_return.values()) == sorted(found.drawn_return.values())
    assert resampled_trades(calm, capital=1000.0, seed=3) == found
    assert resampled_trades(calm, capital=1000.0, seed=4) != found


def test_the_median_of_drawn_histories_is_what_the_trades_came_to():
    profits = np.random.default_rng(8).normal(1.0, 20.0, 300)
    found = resampled_trades(trades(profits), capital=1000.0, seed=1)
    assert found.drawn_return["p50"] == pytest.approx(profits.sum() / 1000.0, abs=0.06)
    assert found.loss_probability == pytest.approx(0.5, abs=0.35)


def test_many_trades_are_drawn_less_often_and_few_not_at_all():
    assert resampled_trades(trades([1.0] * (FEWEST_TRADES - 1)), capital=1000.0, seed=1) is None
    assert resampled_trades(trades([1.0, -1001.0] * 10), capital=1000.0, seed=1) is None
    many = resampled_trades(trades([1.0, -1.0] * 6_000), capital=1000.0, seed=1)
    assert many.samples == 500
    assert replace(many, samples=0).loss_probability > 0.0
