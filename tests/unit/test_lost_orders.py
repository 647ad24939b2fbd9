"""An order is called not placed on evidence only: answers, spread over the life of the request, after its end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.domain.orders.lost_orders import LONGEST_WAIT, proven_absent, wait_before_next_look

SENT = datetime(2026, 3, 2, tzinfo=UTC)
LIFE = timedelta(seconds=5)


def proven(first, last, answers=2):
    return proven_absent(
        submitted=SENT,
        first_negative=SENT + timedelta(seconds=first),
        last_negative=SENT + timedelta(seconds=last),
        negative_answers=answers,
        answers_needed=2,
        request_life=LIFE,
    )


@pytest.mark.parametrize(
    ("first", "last", "answers", "expected"),
    [
        (5, 10, 2, True),
        (5, 10, 1, False),
        (5, 9.9, 9, False),
        (8, 12, 2, False),
        (1, 600, 2, True),
    ],
    ids=["enough", "one answer", "before the request died", "too close together", "long after"],
)
def test_absence_needs_answers_spread_over_the_life_of_the_request(first, last, answers, expected):
    assert proven(first, last, answers) is expected


@given(st.integers(min_value=0, max_value=10_000))
def test_the_wait_doubles_to_a_minute(answers):
    wait = wait_before_next_look(answers)
    assert timedelta(seconds=1) <= wait <= LONGEST_WAIT
    assert wait_before_next_look(answers + 1) in {wait, min(2 * wait, LONGEST_WAIT)}


def test_a_book_that_lags_needs_answers_after_its_lag_and_across_it():
    life, lag = timedelta(seconds=5), timedelta(seconds=10)
    given = {"submitted": SENT, "answers_needed": 2, "negative_answers": 9, "request_life": life, "visibility_lag": lag}
    early = {"first_negative": SENT + timedelta(seconds=1)}
    assert not proven_absent(**given, **early, last_negative=SENT + timedelta(seconds=19))
    assert proven_absent(**given, **early, last_negative=SENT + timedelta(seconds=20))
    late = {"first_negative": SENT + timedelta(seconds=15)}
    assert not proven_absent(**given, **late, last_negative=SENT + timedelta(seconds=24))
    assert proven_absent(**given, **late, last_negative=SENT + timedelta(seconds=25))
