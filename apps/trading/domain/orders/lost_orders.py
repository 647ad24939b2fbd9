"""When an order whose sending has an unknown outcome may be called not placed, and when to look again. Pure."""

from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(seconds=60)
NO_TIME = timedelta(0)


def proven_absent(
    *,
    submitted: datetime,
    first_negative: datetime,
    last_negative: datetime,
    negative_answers: int,
    answers_needed: int,
    request_life: timedelta,
    visibility_lag: timedelta = NO_TIME,
) -> bool:
    """Whether the venue's answers prove that the order never arrived and no longer can.

    The last answer must come after the request can't take effect any more and would be shown if it had, and the answers
    must span a request's life and that lag: one early "no such order" may only mean that the venue's book lags. All
    times are of the wall clock.
    """
    return negative_answers >= answers_needed and last_negative >= soonest_proof(
        submitted=submitted,
        first_negative=first_negative,
        request_life=request_life,
        visibility_lag=visibility_lag,
    )


def soonest_proof(
    *, submitted: datetime, first_negative: datetime, request_life: timedelta, visibility_lag: timedelta = NO_TIME
) -> datetime:
    """The earliest time of an answer that may be the last one needed."""
    return max(submitted + 2 * request_life + visibility_lag, first_negative + max(request_life, visibility_lag))


def wait_before_next_look(negative_answers: int) -> timedelta:
    """1, 2, 4 ... 60 seconds."""
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(max(0, negative_answers - 1), 10)))
