"""Searches: what is looked at, what is kept apart from it, and how much of the best is luck."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.adapters.optuna_sampler import OptunaSampler
from apps.agents.domain.backtest.run_backtest import BacktestWish
from apps.agents.domain.search.overfitting import probability_of_overfitting
from apps.agents.domain.search.parameter_space import parameter_space
from apps.agents.domain.search.walk_forward import FEWEST_TEST_BARS, walk_forward
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import build_strategy, strategy_class, strategy_names
from apps.agents.operations.search_parameters import (
    SearchedCandles,
    SearchWish,
    plan_of,
    run_search,
    search_fold,
    search_folds,
    search_mode,
    searched_space,
    span_of,
)
from apps.foundation.errors import Refused
from apps.market.domain.instruments import InstrumentRules
from tests.support.candle_columns import columns_of, random_columns

BAR = 60_000


@given(
    bars=st.integers(400, 20_000),
    folds=st.integers(1, 8),
    train_tests=st.floats(0.5, 6.0),
    gap=st.integers(0, 60),
    anchored=st.booleans(),
)
def test_tests_follow_each_other_and_never_touch_their_training(bars, folds, train_tests, gap, anchored):
    try:
        plan = walk_forward(0, bars * BAR, BAR, folds=folds, train_tests=train_tests, gap_bars=gap, anchored=anchored)
    except ValueError:
        assert (bars - gap) / (train_tests + folds) < FEWEST_TEST_BARS + 1
        return
    *walked, whole = plan
    assert (whole.train_from, whole.train_until, whole.test_from) == (0, bars * BAR, None)
    assert len(walked) == folds
    assert walked[-1].test_until == bars * BAR
    assert all(one.test_until == following.test_from for one, following in pairwise(walked))
    assert all(one.test_from - one.train_until == gap * BAR for one in walked)
    assert all(one.train_from >= 0 for one in walked)
    lengths = {one.train_until - one.train_from for one in walked}
    assert (
        lengths == {walked[0].train_until + k * (walked[0].test_until - walked[0].test_from) for k in range(folds)}
        if (anchored)
        else len(lengths) == 1
    )


def test_too_few_candles_are_said_to_be():
    with pytest.raises(
        ValueError, match=r"4 tests of at least 20 bars with their training need 190 bars; there are 100"
    ):
        walk_forward(0, 100 * BAR, BAR, folds=4, train_tests=3.0, gap_bars=50, anchored=False)


def test_every_strategy_of_ours_declares_where_to_search_and_can_be_built_there():
    for name in strategy_names():
        space = parameter_space(strategy_class(name).parameters, given={}, fixed={})
        assert space, name
        lowest = {one.name: one.lowest for one in space}
        highest = {one.name: one.highest for one in space}
        assert build_strategy(name, lowest).needs_bars <= build_strategy(name, highest).needs_bars


@pytest.mark.parametrize(
    ("given_spans", "fixed", "field", "told"),
    [
        ({"speed": [1, 2]}, {}, "speed", "no parameter 'speed'"),
        ({"fast": [5]}, {}, "fast", r"written \[from, to\]"),
        ({"fast": [5, 5]}, {}, "fast", "no room to search"),
        ({"fast": [0, 50]}, {}, "fast", "must lie in 1 to 1000"),
        ({"fast": [50, 5]}, {}, "fast", "must lie in"),
        ({"fast": [5.5, 9]}, {}, "fast", "whole number"),
        ({"fast": [5, 9]}, {"fast": 6}, "fast", "fixed and searched"),
        ({}, {"fast": 6, "slow": 20}, "", "Nothing is left to search"),
    ],
)
def test_a_space_without_room_is_refused_by_name(given_spans, fixed, field, told):
    with pytest.raises(ParameterError, match=told) as refused:
        parameter_space(strategy_class("sma_cross").parameters, given=given_spans, fixed=fixed)
    assert refused.value.field == field


@pytest.mark.parametrize("seed", range(3))
def test_of_worthless_settings_the_best_is_as_often_below_the_middle_as_above(seed):
    noise = np.random.default_rng(seed).normal(0.0, 0.01, (300, 40))
    found = probability_of_overfitting(noise)
    assert found.halvings == 252
    assert 0.25 < found.probability < 0.85


def test_a_setting_that_is_truly_better_is_not_called_overfitted():
    returns = np.random.default_rng(1).normal(0.0, 0.01, (300, 40))
    returns[:, 7] += 0.01
    found = probability_of_overfitting(returns, gap_days=1)
    assert (found.probability, found.loss_probability) == (0.0, 0.0)
    shuffled = probability_of_overfitting(returns[:, ::-1], gap_days=1)
    assert shuffled == found


def test_what_can_not_be_told_of_so_little_is_none():
    noise = np.random.default_rng(1).normal(0.0, 0.01, (300, 1))
    assert probability_of_overfitting(noise) is None
    assert probability_of_overfitting(np.repeat(noise[:3], 4, axis=1)) is None


WISH = SearchWish(
    "sma_cross",
    BacktestWish(strategies=[], seed=3),
    space={"fast": [3, 12], "slow": [10, 40]},
    fixed={"horizon": 12},
    folds=2,
    trials=6,
    objective="total_return",
    gap_bars=10,
)


def candles(columns):
    return SearchedCandles([columns], {})


def test_a_search_is_the_same_again_and_goes_on_where_it_was_cut_off():
    given_candles = candles(random_columns(600, seed=4))
    report = run_search(wish=WISH, candles=given_candles, sampler=OptunaSampler())
    assert report == run_search(wish=WISH, candles=given_candles, sampler=OptunaSampler())
    assert [fold["trials"] for fold in report["folds"]] == [6, 6]
    assert len(report["surface"]) == report["recommended"]["trials"] == 6
    fold = search_folds(WISH, *span_of(given_candles.series, WISH))[0]
    whole = search_fold(wish=WISH, fold=fold, candles=given_candles, sampler=OptunaSampler(), trials=[])
    known = list(whole.trials[:3])
    rest = search_fold(wish=WISH, fold=fold, candles=given_candles, sampler=OptunaSampler(), trials=known)
    assert [trial.parameters for trial in rest.trials] == [trial.parameters for trial in whole.trials]
    assert rest.best.number == whole.best.number
    assert dict(whole.best.parameters) == report["folds"][0]["parameters"]
    told = report["out_of_sample"]
    assert told["total_return"] == pytest.approx(
        np.prod([1 + fold["out_of_sample"]["total_return"] for fold in report["folds"]]) - 1
    )
    assert {name for name, value in told.items() if value is not None} == {"total_return"}  # tests of less than a day
    assert report["curve"] == []


def test_tests_of_whole_days_are_drawn_and_measured():
    columns = replace(random_columns(600, seed=4), timeframe="1h", times=np.arange(600) * 3_600_000)
    report = run_search(wish=WISH, candles=candles(columns), sampler=OptunaSampler())
    assert len(report["curve"]) == report["out_of_sample"]["days"] + 1 > 5
    assert report["curve"][-1][1] == pytest.approx(1 + report["out_of_sample"]["total_return"])
    assert report["out_of_sample"]["sharpe"] is not None
    assert 0.0 <= report["recommended"]["overfit_probability"] <= 1.0


def test_what_comes_after_the_training_changes_no_choice():
    columns = random_columns(600, seed=4)
    fold = search_folds(WISH, *span_of([columns], WISH))[0]
    later = columns.times >= fold.train_until
    other = replace(
        columns,
        **{n: np.where(later, getattr(columns, n) * 3, getattr(columns, n)) for n in ("open", "high", "low", "close")},
    )
    found = [
        search_fold(wish=WISH, fold=fold, candles=candles(each), sampler=OptunaSampler(), trials=[])
        for each in (columns, other)
    ]
    assert found[0].best.parameters == found[1].best.parameters
    assert found[0].best.figures == found[1].best.figures
    assert found[0].tested != found[1].tested


def test_a_setting_that_can_not_be_is_told_and_the_search_goes_on():
    wish = replace(WISH, space={"fast": [10, 40], "slow": [11, 41]}, trials=12, folds=1)
    report = run_search(wish=wish, candles=candles(random_columns(400, seed=5)), sampler=OptunaSampler())
    refused = [trial for trial in report["surface"] if trial["value"] is None]
    assert refused
    assert all("must be below slow" in trial["refused"] for trial in refused)
    assert report["recommended"]["refused"] == len(refused)


def test_a_figure_that_no_run_can_tell_ends_the_search_with_a_sentence():
    wish = replace(WISH, objective="calmar", trials=2)
    with pytest.raises(Refused, match="calmar can't be told of so short a run"):
        run_search(wish=wish, candles=candles(columns_of(np.linspace(100, 200, 400))), sampler=OptunaSampler())


def test_a_training_too_short_for_daily_returns_is_refused_before_anything_is_tried():
    wish = replace(WISH, objective="sharpe")
    day = 24 * 60 * BAR
    with pytest.raises(Refused, match=r"A training of 2\.95 days can't tell sharpe") as refused:
        search_folds(wish, 0, 5 * day - 100 * BAR, BAR)
    assert (refused.value.code, refused.value.field) == ("too_few_candles", "objective")
    assert len(search_folds(wish, 0, 6 * day, BAR)) == 3
    assert len(search_folds(WISH, 0, 2 * day, BAR)) == 3


def test_how_far_a_search_is_can_be_told_within_a_trial_too():
    """Of the firm's runs, which take long; of signals after each trial."""
    seen = {}
    run_search(
        wish=replace(WISH, folds=1),
        candles=candles(random_columns(400, seed=5)),
        sampler=OptunaSampler(),
        told=lambda fold, share: seen.setdefault(fold, []).append(share),
    )
    assert seen == {number: [pytest.approx(trial / 6) for trial in range(1, 7)] for number in (0, 1)}
    rules = {"BTC/USDT": InstrumentRules("BTC/USDT", "BTC", "USDT", *map(Decimal, ("0.01", "0.00001", "0.00001", "5")))}
    given = SearchedCandles([random_columns(300, seed=5)], rules)
    wish = SearchWish("momentum", BacktestWish(strategies=[]), folds=1, trials=2, objective="total_return", gap_bars=0)
    assert search_mode(wish, given) == "firm"
    fold = plan_of(wish, given)[0]
    shares = []
    search_fold(wish=wish, fold=fold, candles=given, sampler=OptunaSampler(), trials=[], seen=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any(share * wish.trials % 1.0 for share in shares)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"folds": 0}, "folds"),
        ({"trials": 1_001}, "trials"),
        ({"objective": "luck"}, "objective"),
        ({"gap_bars": -1}, "gap_bars"),
        ({"train_tests": 0.1}, "train_tests"),
        ({"strategy": "astrology"}, "strategy"),
        ({"space": {"fast": [5, 5]}}, "space.fast"),
        ({"fixed": {"speed": 1}}, "fixed.speed"),
        ({"fixed": {"fast": 5, "slow": 9, "horizon": 3}, "space": {}}, "space"),
    ],
)
def test_a_wish_that_can_not_be_searched_names_its_field(change, field):
    with pytest.raises(Refused) as refused:
        searched_space(replace(WISH, **change))
    assert refused.value.field == field
