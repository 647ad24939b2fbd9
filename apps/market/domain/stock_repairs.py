"""Known errors of stock data: repaired where the data itself proves the repair, refused with a notice where not.

Vendors send rows twice, zeros and gaps, prices a hundred times too large or small (pounds for pence), splits that were
carried back into some of the rows only, dividends that are wrong or missing in the adjusted close. What each error
looks like follows the repairs that the library yfinance documents; those need floats and more questions to the vendor.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from math import log

from apps.market.domain.stock_rows import ZERO, CleanedRows, RowNotice, StockRow

HUNDRED = Decimal(100)
_NEAR_HUNDRED = 0.5  # of the logarithm: 61 to 165 times
_TORN = 10  # a bar whose highest price is that many times its lowest is no bar
_FEW, _MANY = 2, 10  # a wrong unit in at most two rows among ten is an accident, whatever the unit
_LARGE_DIVIDEND = Decimal("0.1")  # of the price; larger ones must show in the price
_SPLITS = tuple(map(Decimal, ("1.5", "2", "3", "4", "5", "6", "7", "8", "10", "15", "20", "25", "30", "50", "100")))
_SPLIT_LIKE = 0.04  # of the logarithm
_SAME_LEVEL = 0.12
_AROUND = 3  # rows on each side that show a level
Step = Callable[[CleanedRows], CleanedRows]


def clean(rows: Iterable[StockRow], *, minor_unit: bool = False, anchor: Decimal | None = None) -> CleanedRows:
    """These rows of one series without their errors.

    ``minor_unit``: the vendor quotes this share in hundredths (pence). ``anchor``: a price that is known to be right
    and not long before these.
    """
    steps: tuple[Step, ...] = (
        _without_duplicates,
        _without_holes,
        _with_one_unit_a_row,
        lambda found: _with_one_unit(found, minor_unit=minor_unit, anchor=anchor),
        _with_splits_carried_back,
        _with_dividends,
        _without_unannounced_splits,
    )
    start = CleanedRows(tuple(sorted(rows, key=lambda row: row.open_at)), ())
    return reduce(lambda found, step: step(found), steps, start)


def _without_duplicates(found: CleanedRows) -> CleanedRows:
    by_time: dict[datetime, list[StockRow]] = {}
    for row in found.rows:
        by_time.setdefault(row.open_at, []).append(row)
    kept, notices = [], list(found.notices)
    for at, same in by_time.items():
        agree = all(str(row) == str(same[0]) for row in same)  # as text: NaN is not equal to itself
        kept += same[:1] if agree else []
        if len(same) > 1:
            told = "the same" if agree else "different ones, so none is taken"
            notices.append(RowNotice(at, "duplicate", agree, f"{len(same)} rows for one time, {told}."))
    return CleanedRows(tuple(kept), tuple(notices))


def _without_holes(found: CleanedRows) -> CleanedRows:
    kept, notices = [], list(found.notices)
    for row in found.rows:
        if all(price.is_finite() and price > 0 for price in row.prices) and row.volume.is_finite() and row.volume >= 0:
            kept.append(row)
        else:
            told = ", ".join(str(value) for value in (*row.prices, row.volume))
            notices.append(RowNotice(row.open_at, "no_price", False, f"Not a bar: {told}."))
    return CleanedRows(tuple(kept), tuple(notices))


def _with_one_unit_a_row(found: CleanedRows) -> CleanedRows:
    """A bar in which some of the four prices are a hundred times the others, judged by its neighbour."""
    kept: list[StockRow] = []
    notices = list(found.notices)
    for place, row in enumerate(found.rows):
        if max(row.prices) < _TORN * min(row.prices):
            kept.append(row)
            continue
        near = kept[-1].close if kept else next((one.open for one in found.rows[place + 1 :] if not _torn(one)), None)
        fixed = None if near is None else [_in_unit_of(price, near) for price in row.prices]
        if fixed is None or max(fixed) >= _TORN * min(fixed):
            notices.append(RowNotice(row.open_at, "unit", False, f"Prices {_told(row)} don't belong together."))
            continue
        scale = fixed[3] / row.close
        whole = replace(
            row,
            open=fixed[0],
            high=max(fixed),
            low=min(fixed),
            close=fixed[3],
            adjusted=None if row.adjusted is None else row.adjusted * scale,
        )
        kept.append(whole)
        notices.append(RowNotice(row.open_at, "unit", True, f"Prices {_told(row)} were taken as {_told(whole)}."))
    return CleanedRows(tuple(kept), tuple(notices))


def _with_one_unit(found: CleanedRows, *, minor_unit: bool, anchor: Decimal | None) -> CleanedRows:
    """Rows a hundred times above or below the others, all four prices alike."""
    if not found.rows or any(row.split and _like_hundred(row.split) for row in found.rows):
        return found
    levels = [0]
    for earlier, later in pairwise(found.rows):
        levels.append(levels[-1] + _like_hundred(later.open / earlier.close))
    if anchor is not None:
        levels = [level + _like_hundred(found.rows[0].open / anchor) for level in levels]
    if set(levels) == {0}:
        return found
    true_level = 0 if anchor is not None else max(levels) if minor_unit else _usual(levels)
    if true_level is None:
        told = "Prices jump by a hundred and nothing tells which unit is right."
        return CleanedRows((), (*found.notices, *(RowNotice(row.open_at, "unit", False, told) for row in found.rows)))
    kept, notices = [], list(found.notices)
    for row, level in zip(found.rows, levels, strict=True):
        factor = HUNDRED ** (true_level - level)
        kept.append(_scaled(row, factor))
        if level != true_level:
            notices.append(RowNotice(row.open_at, "unit", True, f"Close {row.close} was taken times {factor}."))
    return CleanedRows(tuple(kept), tuple(notices))


def _with_splits_carried_back(found: CleanedRows) -> CleanedRows:
    rows, notices = list(found.rows), list(found.notices)
    for place, row in enumerate(found.rows):
        if row.split not in (ZERO, Decimal(1)):
            for at, times in _not_carried_back(rows, place, row.split):
                before = rows[at]
                rows[at] = _split(before, row.split**times)
                told = f"Close {before.close} did not know of the split {row.split}; taken as {rows[at].close}."
                notices.append(RowNotice(before.open_at, "split", True, told))
    return CleanedRows(tuple(rows), tuple(notices))


def _not_carried_back(rows: Sequence[StockRow], place: int, split: Decimal) -> list[tuple[int, int]]:
    """Rows before ``place`` that are off by a power of the split, walking back from the split's own row."""
    size = log(split)
    off, found = 0, []
    for at in range(place, 0, -1):
        jump = log(rows[at - 1].close / rows[at].open)
        for direction in (1, -1):
            if abs(jump - direction * size) < max(0.2 * abs(size), 0.02):
                off += direction
        if off:
            found.append((at - 1, off))
    return found


def _with_dividends(found: CleanedRows) -> CleanedRows:
    """Dividends a hundred times too large, and adjusted closes that know nothing of a dividend or of a wrong one."""
    rows, notices = list(found.rows), list(found.notices)
    for place in range(len(rows) - 1, 0, -1):
        row, before = rows[place], rows[place - 1]
        if row.dividend <= 0 or row.adjusted is None or before.adjusted is None:
            continue
        paid = _paid(row, before)
        if paid is None:
            told = f"A dividend of {row.dividend} on a close of {before.close} shows nowhere in the price."
            notices.append(RowNotice(row.open_at, "dividend", False, told))
            rows[: place + 1] = [replace(one, adjusted=None) for one in rows[: place + 1]]
            continue
        due = 1 - paid / before.close
        applied = (before.adjusted / before.close) / (row.adjusted / row.close)
        if abs(applied - due) > (1 - due) / 5:
            rows[:place] = [_adjusted(one, due / applied) for one in rows[:place]]
            rows[place] = replace(row, dividend=paid)
            told = (
                f"The dividend {row.dividend} was taken as {paid}; adjusted closes before it times {due / applied:.6f}."
            )
            notices.append(RowNotice(row.open_at, "dividend", True, told))
    return CleanedRows(tuple(rows), tuple(notices))


def _paid(row: StockRow, before: StockRow) -> Decimal | None:
    """The dividend as sent, a hundredth of it where only that fits the prices, or None."""
    shown = before.close - row.open
    if row.dividend <= _LARGE_DIVIDEND * before.close or (shown > row.dividend / 4 and row.dividend < before.close):
        return row.dividend
    hundredth = row.dividend / HUNDRED
    return hundredth if hundredth <= _LARGE_DIVIDEND * before.close else None


def _without_unannounced_splits(found: CleanedRows) -> CleanedRows:
    """A lasting jump by the ratio of a usual split that nobody announced: what lies before is refused."""
    rows = found.rows
    for at in range(len(rows) - 1, 0, -1):
        jump = abs(log(rows[at - 1].close / rows[at].open))
        ratio = next((one for one in _SPLITS if abs(jump - log(one)) < _SPLIT_LIKE), None)
        if ratio is None or any(row.split for row in rows[max(0, at - 1) : at + 2]):
            continue
        before = sorted(row.close for row in rows[max(0, at - _AROUND) : at])
        after = sorted(row.close for row in rows[at : at + _AROUND])
        if abs(abs(log(before[len(before) // 2] / after[len(after) // 2])) - log(ratio)) < _SAME_LEVEL:
            told = f"Prices jump by {ratio} at {rows[at].open_at:%Y-%m-%d %H:%M}, like a split that nobody announced."
            refused = (RowNotice(row.open_at, "suspected_split", False, told) for row in rows[:at])
            return CleanedRows(rows[at:], (*found.notices, *refused))
    return found


def _like_hundred(ratio: Decimal) -> int:
    """1 for about a hundred times, -1 for about a hundredth, else 0."""
    size = log(ratio)
    return next((sign for sign in (1, -1) if abs(size - sign * log(100)) < _NEAR_HUNDRED), 0)


def _usual(levels: Sequence[int]) -> int | None:
    """The level of nearly all rows; None where no level is that usual."""
    most = max(set(levels), key=levels.count)
    others = len(levels) - levels.count(most)
    return most if others <= _FEW and len(levels) >= _MANY else None


def _in_unit_of(price: Decimal, near: Decimal) -> Decimal:
    return price / HUNDRED ** _like_hundred(price / near)


def _torn(row: StockRow) -> bool:
    return max(row.prices) >= _TORN * min(row.prices)


def _scaled(row: StockRow, factor: Decimal) -> StockRow:
    adjusted = None if row.adjusted is None else row.adjusted * factor
    opened, high, low, close = (price * factor for price in row.prices)
    return replace(row, open=opened, high=high, low=low, close=close, adjusted=adjusted)


def _split(row: StockRow, ratio: Decimal) -> StockRow:
    volume = row.volume * ratio
    whole = row.volume == row.volume.to_integral_value()
    return replace(_scaled(row, 1 / ratio), volume=volume.to_integral_value() if whole else volume)


def _adjusted(row: StockRow, factor: Decimal) -> StockRow:
    return row if row.adjusted is None else replace(row, adjusted=row.adjusted * factor)


def _told(row: StockRow) -> str:
    return "/".join(f"{price.normalize():f}"[:12] for price in row.prices)
