"""A compiled reader of candle files' rows. It brings the compiler into the process, so only long files are worth it."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Text = NDArray[np.uint8]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

_NEWLINE, _PLUS, _COMMA, _MINUS, _POINT, _ZERO, _NINE, _LARGE_E, _SMALL_E = b"\n+,-.09Ee"
# A whole number below 2**53 and a power of ten up to 10**22 are floats, and their quotient or product is rounded once:
# what comes out has the bits of the text's number.
# Source: Clinger, "How to Read Floating Point Numbers Accurately" (1990).
_EXACT, _MOST_PLACES, _MOST_DIGITS = 2**53, 22, 18
_POWERS = np.array([float(10**place) for place in range(_MOST_PLACES + 1)])


def numbers_of(rows: bytes, *, cells: int) -> Numbers | None:
    """The numbers of ``rows``, each ended by a newline and with ``cells`` cells, as Python's ``float`` reads them.

    None where a row has another form: this reader does not say what is wrong.
    """
    text = np.frombuffer(rows, np.uint8)
    found = np.empty(rows.count(b"\n") * cells)
    hard: list[Places] = [np.empty(len(found), np.int64) for _ in range(3)]
    count = _read(text, cells, found, *hard)
    if count < 0:
        return None
    for place, start, end in zip(*(each[:count].tolist() for each in hard), strict=True):
        found[place] = float(rows[start:end])
    return found.reshape(-1, cells)


@njit(cache=True)
def _read(  # noqa: PLR0912, PLR0917 - one pass over the characters; compiled code takes arrays
    text: Text, cells: int, found: Numbers, places: Places, starts: Places, ends: Places
) -> int:
    """Fill ``found``; how many of its cells are left to ``float``, with where they stand, or -1 for another form."""
    place, hard, at, whole = 0, 0, 0, len(text)
    while at < whole:
        start, negative = at, False
        if text[at] == _MINUS or text[at] == _PLUS:
            negative = text[at] == _MINUS
            at += 1
        value, digits, scale, seen = 0, 0, 0, 0
        point = False
        while at < whole:
            sign = text[at]
            if _ZERO <= sign <= _NINE:
                seen += 1
                if digits < _MOST_DIGITS:
                    value = value * 10 + (sign - _ZERO)
                    digits += value > 0
                    scale -= point
                else:
                    digits += 1
            elif sign == _POINT and not point:
                point = True
            else:
                break
            at += 1
        if at < whole and (text[at] == _LARGE_E or text[at] == _SMALL_E):
            digits = _MOST_DIGITS + 1  # rare enough for float
            at += 1
            if at < whole and (text[at] == _MINUS or text[at] == _PLUS):
                at += 1
            seen = 0 if seen == 0 or at >= whole or not _ZERO <= text[at] <= _NINE else seen
            while at < whole and _ZERO <= text[at] <= _NINE:
                at += 1
        last = place % cells == cells - 1
        if seen == 0 or at >= whole or text[at] != (_NEWLINE if last else _COMMA):
            return -1
        if digits <= _MOST_DIGITS and value <= _EXACT and -scale <= _MOST_PLACES:
            number = value / _POWERS[-scale]
            found[place] = -number if negative else number
        else:
            places[hard], starts[hard], ends[hard] = place, start, at
            hard += 1
        place += 1
        at += 1
    return hard if place == len(found) else -1
