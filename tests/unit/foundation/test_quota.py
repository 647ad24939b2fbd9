"""A lone process's allowance: never more than its share, and no request waits for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.foundation.quota import Allowance


def spend(allowance, units, now, *, kept=0.0):
    """Whether it left."""
    if allowance.wait(units, kept=kept, now=now) > 0:
        return False
    allowance.take(units)
    return True


def test_a_full_bucket_empties_and_fills_again_at_its_rate():
    allowance = Allowance(10, 60)
    assert [spend(allowance, 5, 100.0) for _ in range(3)] == [True, True, False]
    assert allowance.wait(5, kept=0, now=100.0) == pytest.approx(30)
    assert spend(allowance, 5, 129.9) is False
    assert spend(allowance, 5, 130.1) is True


def test_what_is_kept_for_exits_is_left_to_them():
    allowance = Allowance(10, 60)
    assert [spend(allowance, 1, 0.0, kept=5) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [spend(allowance, 1, 0.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_request_larger_than_the_bucket_leaves_when_it_is_full_and_is_paid_back():
    allowance = Allowance(2, 10)
    assert spend(allowance, 6, 0.0) is True
    assert allowance.wait(6, kept=1, now=0.0) == pytest.approx(30)
    assert spend(allowance, 6, 30.1) is True


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0, 5)), max_size=80))
def test_in_no_window_more_than_twice_the_capacity_leaves(wishes):
    allowance, now, left = Allowance(10, 20), 0.0, []
    for units, passed in wishes:
        now += passed
        if spend(allowance, units, now):
            left.append((now, units))
    for start, _ in left:
        assert sum(units for at, units in left if start <= at < start + 20) <= 20 + 1e-6
