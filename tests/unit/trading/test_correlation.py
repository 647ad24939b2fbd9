"""What moves together, and how much of it is held."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.trading.domain.risk.correlation import correlated_exposure, correlations_with

D = Decimal
START = datetime(2026, 3, 2, tzinfo=UTC)


def series(returns, price=100.0, skip=()):
    closes, found = price, {}
    for place, step in enumerate(returns):
        closes *= 1 + step
        if place not in skip:
            found[START + timedelta(minutes=place)] = closes
    return found


def noise(seed, count=121):
    return np.random.default_rng(seed).normal(0, 0.01, count)


def test_it_is_pearsons_correlation_of_the_returns():
    a, b = noise(1), noise(1) * 0.6 + noise(2) * 0.8
    found = correlations_with("A", {"A": series(a), "B": series(b)}, bars=120)
    assert found["B"] == pytest.approx(np.corrcoef(a[1:], b[1:])[0, 1], abs=1e-9)


def test_the_same_moves_count_as_one_and_opposite_ones_do_not():
    a = noise(3)
    found = correlations_with("A", {"A": series(a), "B": series(a, 7.0), "C": series(1 / (1 + a) - 1)}, bars=120)
    assert found["B"] == pytest.approx(1.0)
    assert found["C"] < -0.99


def test_a_price_that_stands_still_moves_with_nothing():
    assert correlations_with("A", {"A": series(noise(4)), "B": series([0.0] * 121)}, bars=120) == {"B": 0.0}


@pytest.mark.parametrize(("there", "measured"), [(61, True), (60, False)])
def test_half_of_the_window_must_be_in_common(there, measured):
    young = series(noise(5), skip=range(121 - there))
    assert ("B" in correlations_with("A", {"A": series(noise(6)), "B": young}, bars=120)) is measured


def test_returns_are_of_the_bars_both_have():
    a = noise(7)
    whole, holed = series(a), series(a, 3.0, skip=range(30, 50))
    assert correlations_with("A", {"A": whole, "B": holed}, bars=120)["B"] == pytest.approx(1.0)


def group(exposures, correlations, threshold="0.8"):
    return correlated_exposure(symbol="A", exposures=exposures, correlations=correlations, threshold=D(threshold))


def test_only_what_moves_together_is_summed():
    held = {"A": D(10), "B": D(20), "C": D(40), "D": D(0)}
    found = group(held, {"B": 0.8, "C": 0.7999})
    assert (found.symbols, found.unmeasured, found.total) == (("A", "B"), (), D(30))


def test_an_unmeasured_pair_counts_as_one():
    found = group({"B": D(20), "C": D(40)}, {"C": 0.1})
    assert (found.symbols, found.unmeasured, found.total) == (("A", "B"), ("B",), D(20))


def test_without_a_price_of_the_group_nobody_knows():
    assert group({"B": None}, {"B": 0.9}).total is None
    assert group({"B": None}, {"B": 0.1}).total == 0


SYMBOLS = ["A", "B", "C", "D"]


@settings(max_examples=60)
@given(
    held=st.dictionaries(st.sampled_from(SYMBOLS), st.integers(0, 10**6).map(D)),
    measured=st.dictionaries(st.sampled_from(SYMBOLS[1:]), st.floats(-1, 1)),
    low=st.integers(10, 99),
)
def test_a_lower_threshold_and_less_data_never_lower_the_sum(held, measured, low):
    strict = group(held, measured, f"0.{low:02d}")
    loose = group(held, measured, "1")
    blind = group(held, {}, "1")
    own = held.get("A", D(0))
    assert own <= loose.total <= strict.total <= blind.total == sum(held.values(), D(0))
    assert set(loose.symbols) <= set(strict.symbols) <= set(blind.symbols)
