"""When an order whose sending has an unknown outcome may be called not placed, and when to look again. Pure."""

from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(seconds=60)


def proven_absent(
    *,
    submitted: datetime,
    first_negative: datetime,
    last_negative: datetime,
    negative_answers: int,
    answers_needed: int,
    request_life: timedelta,
) -> bool:
    """Whether the venue's answers prove that the order never arrived and no longer can.

    The last answer must come after the request can't take effect any more, and the answers must span a request's life:
    one early "no such order" may only mean that the venue's book lags. All times are of the wall clock.
    """
    return (
        negative_answers >= answers_needed
        and last_negative - submitted >= 2 * request_life
        and last_negative - first_negative >= request_life
    )


def wait_before_next_look(negative_answers: int) -> timedelta:
    """1, 2, 4 ... 60 seconds."""
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(max(0, negative_answers - 1), 10)))
