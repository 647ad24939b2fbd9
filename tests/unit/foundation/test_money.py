from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.foundation import money

amounts = st.decimals(min_value=Decimal("-1e17"), max_value=Decimal("1e17"), allow_nan=False, allow_infinity=False)
ledger_amounts = amounts.map(money.exact)
steps = st.sampled_from(["0.00000001", "0.0001", "0.01", "0.05", "0.25", "1", "5", "1000"]).map(Decimal)


@given(amounts)
def test_exact_cuts_toward_zero_and_never_by_more_than_one_unit(value):
    cut = money.exact(value)
    assert abs(cut) <= abs(value)
    assert abs(value - cut) < money.ONE_UNIT
    assert -cut.as_tuple().exponent == money.SCALE


@given(amounts)
def test_exact_twice_is_exact_once(value):
    assert money.exact(money.exact(value)) == money.exact(value)


@given(ledger_amounts, ledger_amounts)
def test_sums_of_ledger_amounts_stay_exact(one, other):
    assert (one - other) + other == one


@given(st.decimals(min_value=0, max_value=Decimal("1e9"), places=8), steps)
def test_floor_and_ceil_enclose_the_value_within_one_step(value, step):
    low, high = money.floor_to(value, step), money.ceil_to(value, step)
    assert low <= value <= high
    assert high - low in {0, step}
    assert low % step == 0
    assert high % step == 0


@given(st.decimals(min_value=Decimal("-1e9"), max_value=Decimal("1e9"), places=8), steps)
def test_a_multiple_of_the_step_is_left_alone(value, step):
    multiple = money.floor_to(value, step)
    assert money.floor_to(multiple, step) == money.ceil_to(multiple, step) == multiple


@given(ledger_amounts)
def test_plain_says_the_same_number_without_exponent_or_trailing_zeros(value):
    text = money.plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert text != "-0"
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0.000", "0"),
        ("1E+3", "1000"),
        ("1E-18", "0.000000000000000001"),
        ("12.340", "12.34"),
        ("100", "100"),
    ],
)
def test_plain_examples(value, text):
    assert money.plain(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "", "abc", "1,5", "1e18", "1_0e30"])
def test_exact_refuses_what_is_no_amount(value):
    with pytest.raises(ValueError, match=r"is not a|digits before the point"):
        money.exact(value)


@pytest.mark.parametrize("value", [0.1, float("nan"), 1.0])
def test_floats_are_refused_by_type(value):
    with pytest.raises(TypeError, match="never a float"):
        money.exact(value)


@pytest.mark.parametrize("step", [Decimal(0), Decimal("-0.01")])
def test_a_step_must_be_positive(step):
    with pytest.raises(ValueError, match="must be positive"):
        money.floor_to(Decimal(1), step)


def test_new_threads_compute_with_the_same_precision():
    large, small = Decimal("99999999999999999.003333"), Decimal("0.000000000000000001")
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lambda: (large + small) - large).result() == small
