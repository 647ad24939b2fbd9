"""Finds the next close of a run at which something may happen, compiled. Before it nothing changes.

The kernel decides nothing. It computes in floats, and whatever lies within ``MARGIN`` of a threshold is left to the
exact functions of the house. Only backtests load this module: it brings the compiler into the process.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from apps.agents.domain.backtest.consensus_kernel import NO_QUORUM, NOBODY_ASKED, REACHED, VETO
from apps.agents.domain.strategies.contract import Series

Whole = NDArray[np.int64]

MARGIN = 1e-9  # relative; the floats here are right to a millionth of it

# What a round comes to, beside the codes of ``consensus_kernel`` below ``REACHED``; 0 is a round that is not due.
WEAK, FLAT, THERE, HOLD, DENIED, UNPAID, COOLING, LOOK = range(5, 13)
ANSWERS = 13
assert (NOBODY_ASKED, NO_QUORUM, VETO, REACHED) == (1, 2, 3, 4)

# Numbers of the account and of the rules, by place.
FREE, PEAK, DAY_FLOOR, PEAK_FLOOR = range(4)
ENTER, LEAVE, FULL, PART, BAND, LARGEST, DUST, CHANGE = range(8)


@njit(cache=True, nogil=True)
def next_look(  # noqa: PLR0917 - compiled code takes scalars and arrays
    start: int,
    today: int,
    lows: Series,
    marks: Series,
    stale: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    days: Whole,
    codes: NDArray[np.int8],
    scores: Series,
    edges: Series,
    instruments: Whole,
    held: Whole,
    units: Series,
    stops: Series,
    busy: NDArray[np.bool_],
    denied_until: Whole,
    cooling_until: Whole,
    costs: Series,
    money: Series,
    rules: Series,
    counts: Whole,
    answers: NDArray[np.int8],
) -> tuple[int, bool]:
    """(the place, whether the account must look at it too): from ``start`` on the first close to be looked at.
    ``today``: the day of the account's loss marks.

    ``lows`` to ``dark``, ``days``: as in ``MarketColumns``. ``codes``, ``scores``, ``edges``: as in ``PooledRounds``;
    ``instruments``: of each round. ``held``: instruments held, ``units`` and ``stops`` of each instrument, ``busy``: an
    order of it is on its way; ``denied_until``, ``cooling_until``: first place at which a round, an instrument is asked
    again; ``costs``: in basis points, which no round trip falls below. ``money`` and ``rules`` by the places above.
    ``counts`` grow by the answers of all rounds that need no look, also at the place found, where ``answers`` tells
    each one.
    """
    peak = money[PEAK]
    for place in range(start, len(days)):
        equity = _quiet_worth(money[FREE], held, units, stops, lows[place], marks[place], stale[place])
        if days[place] != today or dark[place] or not equity > 0.0:
            return place, True
        peak = max(peak, equity)
        if equity <= money[DAY_FLOOR] or equity <= peak * money[PEAK_FLOOR]:
            return place, True
        looks = _answered(
            place,
            equity,
            codes[place],
            scores[place],
            edges[place],
            instruments,
            units,
            marks[place],
            busy,
            denied_until,
            cooling_until,
            costs,
            rules,
            answers,
        )
        for answer in answers:
            counts[answer] += 1
        if looks:
            return place, False
    return len(days), False


@njit(cache=True, nogil=True)
def look_at(  # noqa: PLR0917
    place: int,
    marks: Series,
    codes: NDArray[np.int8],
    scores: Series,
    edges: Series,
    instruments: Whole,
    held: Whole,
    units: Series,
    busy: NDArray[np.bool_],
    denied_until: Whole,
    cooling_until: Whole,
    costs: Series,
    money: Series,
    rules: Series,
    counts: Whole,
    answers: NDArray[np.int8],
) -> None:
    """The answers to the rounds of a close that the account has looked at itself."""
    equity = money[FREE]
    for number in held:
        equity += units[number] * marks[place, number]
    _answered(
        place,
        equity,
        codes[place],
        scores[place],
        edges[place],
        instruments,
        units,
        marks[place],
        busy,
        denied_until,
        cooling_until,
        costs,
        rules,
        answers,
    )
    for answer in answers:
        counts[answer] += 1


@njit(cache=True, nogil=True)
def _answered(  # noqa: PLR0917
    place: int,
    equity: float,
    codes: NDArray[np.int8],
    scores: Series,
    edges: Series,
    instruments: Whole,
    units: Series,
    marks: Series,
    busy: NDArray[np.bool_],
    denied_until: Whole,
    cooling_until: Whole,
    costs: Series,
    rules: Series,
    answers: NDArray[np.int8],
) -> bool:
    """Write what each round of one close comes to; whether one of them must be looked at. ``busy``: an order of the
    instrument is on its way.
    """
    looks = False
    for number in range(len(instruments)):
        answer, instrument = codes[number], instruments[number]
        if answer == REACHED:
            has = units[instrument] > 0.0
            answer = _answer(
                scores[number],
                edges[number],
                units[instrument] * marks[instrument] if has else 0.0,
                equity,
                has,
                place < denied_until[number],
                place < cooling_until[instrument],
                costs[instrument],
                rules,
            )
            if answer in (UNPAID, COOLING) and (busy[instrument] or _looked(number, instruments, answers)):
                answer = LOOK
            looks = looks or answer == LOOK
        answers[number] = answer
    return looks


@njit(cache=True, nogil=True)
def _looked(number: int, instruments: Whole, answers: NDArray[np.int8]) -> bool:
    """Whether an earlier round of the same instrument is looked at: its order may hold this one up."""
    for other in range(number):  # noqa: SIM110 - compiled code knows no generators
        if instruments[other] == instruments[number] and answers[other] == LOOK:
            return True
    return False


@njit(cache=True, nogil=True)
def _quiet_worth(  # noqa: PLR0917
    free: float, held: Whole, units: Series, stops: Series, lows: Series, marks: Series, stale: NDArray[np.bool_]
) -> float:
    """What the account is worth at one close; NaN where a price is missing or stale, or a stop may be hit."""
    equity = free
    for number in held:
        if stale[number] or lows[number] <= stops[number] * (1.0 + MARGIN):
            return np.nan
        equity += units[number] * marks[number]
    return equity


@njit(cache=True, nogil=True)
def _answer(  # noqa: PLR0911, PLR0917
    score: float,
    edge: float,
    worth: float,
    equity: float,
    has: bool,
    denied: bool,
    cooling: bool,
    costs: float,
    rules: Series,
) -> int:
    """``wanted_stance``, ``denial_that_holds`` and the sizing's refusals, where they are sure."""
    if not equity > 0.0:
        return LOOK
    share = worth / equity / rules[LARGEST]
    if has and abs(share - rules[DUST]) <= MARGIN:
        return LOOK
    share = share if share > rules[DUST] else 0.0
    if score < rules[ENTER]:
        if score > rules[LEAVE]:
            return HOLD if share > 0.0 else WEAK
        return LOOK if share > 0.0 else FLAT
    fraction = 1.0 if score >= rules[FULL] else rules[PART]
    room = fraction - rules[BAND] - share
    if has and abs(room) <= MARGIN:
        return LOOK
    if share >= fraction - rules[BAND]:
        return THERE
    if denied:
        return DENIED
    if has and share == 0.0:
        return LOOK  # dust is held
    if fraction - share <= rules[CHANGE] + MARGIN:
        return LOOK
    if cooling and not has:
        return COOLING
    return UNPAID if edge < costs else LOOK
