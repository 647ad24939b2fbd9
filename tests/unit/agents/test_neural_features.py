"""Features of a bar come from that bar and earlier ones, and mean the same at every price."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.neural.features import (
    CLIP,
    FEATURES,
    HISTORY,
    NEEDS_BARS,
    WINDOW,
    feature_rows,
    feature_window,
    windows_over,
)
from apps.agents.domain.neural.labels import labels_of, moves_ahead
from apps.agents.domain.neural.samples import sample_table
from tests.support.neural import BAR_MS, START_MS, columns, walk

ARRAYS = ("times", "high", "low", "close", "volume")


def rows_of(found):
    return feature_rows(**{name: getattr(found, name) for name in ARRAYS})


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(HISTORY + 1, 200))
def test_no_row_changes_when_the_future_comes(seed, bars):
    past, future = walk(bars, seed), walk(60, seed + 1)
    volume = np.random.default_rng(seed).random(bars + 60) * 5
    alone = rows_of(columns(past, volume=volume[:bars]))
    for scale in (0.01, 1.0, 50.0):
        shifted = rows_of(columns(np.concatenate([past, future * scale]), volume=volume * 1.0))
        assert np.array_equal(shifted[: len(alone)], alone)


def test_a_window_cut_for_an_agent_is_the_one_that_training_saw():
    whole = columns(walk(400, 3), volume=np.random.default_rng(3).random(400))
    rows = rows_of(whole)
    for end in (NEEDS_BARS, 250, 400):
        cut = {name: getattr(whole, name)[:end] for name in ARRAYS}
        assert np.array_equal(feature_window(cut), rows[end - HISTORY - WINDOW : end - HISTORY])
    assert feature_window(cut).shape == (WINDOW, len(FEATURES))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(NEEDS_BARS, 220))
def test_the_windows_over_a_series_are_those_cut_for_an_agent_at_each_bar(seed, bars):
    whole = columns(walk(bars, seed), volume=np.random.default_rng(seed).random(bars))
    seen = windows_over(rows_of(whole))
    assert len(seen) == bars - NEEDS_BARS + 1
    for place, window in enumerate(seen):
        cut = {name: getattr(whole, name)[: NEEDS_BARS + place] for name in ARRAYS}
        assert np.array_equal(window, feature_window(cut))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_features_do_not_know_the_price_level(scale):
    prices = walk(150, 4)
    assert np.allclose(rows_of(columns(prices)), rows_of(columns(prices * scale)), atol=1e-4)


def test_a_rise_reads_as_one():
    close = np.concatenate([walk(100, 5, size=0.0001), 100.0 * 1.002 ** np.arange(1, 5)])
    named = dict(zip(FEATURES, rows_of(columns(close))[-1].tolist(), strict=True))
    assert named["return"] > 1.0
    assert named["place"] > 0.5
    assert named["gap_12"] > 1.0
    assert named["volatility"] > 0.1


def test_a_crash_an_empty_bar_and_a_dead_market_stay_finite_and_bounded():
    crash = np.concatenate([walk(100, 6), [1e-3, 1e3, 1e-3]])
    volume = np.full(103, 10.0)
    volume[-2:] = 0.0
    rows = rows_of(columns(crash, volume=volume))
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() <= CLIP
    still = columns(np.full(120, 100.0))
    assert not rows_of(still).any()


def test_too_few_bars_are_refused_with_the_number():
    with pytest.raises(ValueError, match="more than 48 bars, were 48"):
        rows_of(columns(walk(48, 1)))


def test_a_label_says_whether_the_move_beats_its_cost():
    close = np.array([100.0, 100.5, 100.1, 99.0, 99.05])
    moves = moves_ahead(close, 2)
    assert np.allclose(moves, np.log([100.1 / 100.0, 99.0 / 100.5, 99.05 / 100.1]))
    assert labels_of(moves, cost_bps=24.0).tolist() == [1, 0, 0]
    assert labels_of(-moves, cost_bps=24.0).tolist() == [1, 2, 2]
    assert labels_of(np.array([0.0025, 0.0023]), cost_bps=24.0).tolist() == [2, 1]


def test_samples_of_two_instruments_are_their_own_windows_and_moves():
    first, second = columns(walk(300, 7)), columns(walk(260, 8), symbol="ETH/USDT")
    table = sample_table([first, second], horizon=12, cost_bps=24.0, stride=5)
    seen = 0
    for whole in (first, second):
        rows = rows_of(whole)
        for bar in range(HISTORY + WINDOW - 1, len(whole) - 12, 5):
            end = int(table.ends[seen])
            assert np.array_equal(table.rows[end - WINDOW + 1 : end + 1], rows[bar - HISTORY - WINDOW + 1 :][:WINDOW])
            assert table.closed_at[seen] == START_MS + (bar + 1) * BAR_MS
            assert table.moves[seen] == pytest.approx(np.log(whole.close[bar + 12] / whole.close[bar]))
            seen += 1
    assert seen == len(table)


def test_no_sample_reaches_over_a_gap():
    whole = columns(walk(400, 9))
    without_gap = len(sample_table([whole], horizon=12, cost_bps=24.0, stride=1))
    times = whole.times.copy()
    times[200:] += 7 * BAR_MS
    gapped = type(whole)("BTC/USDT", "test", "5m", times, whole.open, whole.high, whole.low, whole.close, whole.volume)
    table = sample_table([gapped], horizon=12, cost_bps=24.0, stride=1)
    lost = NEEDS_BARS - 1 + 12
    assert len(table) == without_gap - lost
    closed_before, first_open_after = times[199] + BAR_MS, times[200]
    ends_before = table.closed_at + 12 * BAR_MS <= closed_before
    begins_after = table.closed_at - NEEDS_BARS * BAR_MS >= first_open_after
    assert (ends_before | begins_after).all()
