"""Wrong stock data: repaired as the truth has it, or refused with a notice; never taken as it came."""

import csv
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.market.domain.stock_repairs import clean
from apps.market.domain.stock_rows import StockRow

D = Decimal
START = datetime(2026, 3, 2, tzinfo=UTC)
MORE = (
    Path(__file__).resolve().parents[4] / "shared" / "data"
)  # real vendors' files, where they lie beside the checkout


def series(closes, **changes):
    """Days whose open is the close before, with a spread of one percent; no dividend left out of ``adjusted``."""
    rows = []
    for place, close in enumerate(map(D, closes)):
        opened = rows[-1].close if rows else close
        high, low = max(opened, close) * D("1.01"), min(opened, close) * D("0.99")
        rows.append(StockRow(START + timedelta(days=place), opened, high, low, close, D(1000), adjusted=close))
    return [replace(row, **changes.get(f"day_{place}", {})) for place, row in enumerate(rows)]


def times(row, factor, volume=1):
    prices = {name: getattr(row, name) * D(factor) for name in ("open", "high", "low", "close", "adjusted")}
    return replace(row, **prices, volume=row.volume * volume)


CALM = ["50", "50.5", "51", "50.2", "49.9", "50.1", "50.8", "51.5", "51.2", "50.7", "50.4", "50.9"]
SOUND = series(CALM)
NAN = D("NaN")


def split_on_day_7():
    return [*SOUND[:7], replace(SOUND[7], split=D(4)), *SOUND[8:]]


CASES = {
    "sound": (SOUND, SOUND, set()),
    "a row twice": ([*SOUND, SOUND[3]], SOUND, {("duplicate", True)}),
    "two rows that differ": ([*SOUND, times(SOUND[3], 2)], [*SOUND[:3], *SOUND[4:]], {("duplicate", False)}),
    "zero": ([*SOUND[:5], replace(SOUND[5], low=D(0)), *SOUND[6:]], [*SOUND[:5], *SOUND[6:]], {("no_price", False)}),
    "left out": (
        [*SOUND[:5], replace(SOUND[5], open=NAN, close=NAN), *SOUND[6:]],
        [*SOUND[:5], *SOUND[6:]],
        {("no_price", False)},
    ),
    "one day in pence": ([*SOUND[:6], times(SOUND[6], 100), *SOUND[7:]], SOUND, {("unit", True)}),
    "the low in pounds": (
        [*SOUND[:6], replace(SOUND[6], low=SOUND[6].low / 100), *SOUND[7:]],
        SOUND,
        {("unit", True)},
    ),
    "half of the days in pence": ([*SOUND[:6], *(times(row, 100) for row in SOUND[6:])], [], {("unit", False)}),
    "a split that older rows don't know": (
        [*(times(row, 4, D(1) / 4) for row in SOUND[:6]), *split_on_day_7()[6:]],
        split_on_day_7(),
        {("split", True)},
    ),
    "a split that one row does not know": (
        [*SOUND[:5], times(SOUND[5], 4, D(1) / 4), *split_on_day_7()[6:]],
        split_on_day_7(),
        {("split", True)},
    ),
    "a split that was carried back twice": (
        [*(times(row, "0.25", D(4)) for row in SOUND[:7]), *split_on_day_7()[7:]],
        split_on_day_7(),
        {("split", True)},
    ),
    "a split that nobody announced": (
        [*(times(row, 3) for row in SOUND[:6]), *SOUND[6:]],
        SOUND[6:],
        {("suspected_split", False)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_known_error_is_repaired_or_its_rows_are_refused(case):
    sent, truth, expected = CASES[case]
    found = clean(sent)
    assert [row.open_at for row in found.rows] == [row.open_at for row in truth]
    assert off_the_truth(found.rows, truth) == []
    assert {(notice.kind, notice.repaired) for notice in found.notices} == expected
    told = {notice.open_at for notice in found.notices}
    assert {row.open_at for row in sent} - {row.open_at for row in found.rows} <= told


def test_a_unit_that_changes_for_good_is_settled_by_the_currency_or_by_a_known_price():
    sent = [*(times(row, "0.01") for row in SOUND[:6]), *SOUND[6:]]
    for known in ({"minor_unit": True}, {"anchor": D(49)}):
        assert off_the_truth(clean(sent, **known).rows, SOUND) == []
    cheap = [times(row, "0.01") for row in SOUND]
    assert off_the_truth(clean(sent, anchor=D("0.49")).rows, cheap) == []


def test_a_single_row_in_another_unit_is_seen_against_a_known_price():
    assert off_the_truth(clean([times(SOUND[0], 100)], anchor=D("49.8")).rows, SOUND[:1]) == []


def test_a_crash_is_no_error():
    crashed = series([*CALM[:6], "26.3", "25.9", "26.1", "25.7", "26", "26.2"])
    crashed[6] = replace(crashed[6], open=D("26.9"), high=D("27"), low=D("26"))
    found = clean(crashed)
    assert (list(found.rows), found.notices) == (crashed, ())


@pytest.mark.parametrize(
    ("sent", "applied", "paid", "repaired"),
    [
        (D("0.5"), D(1), D("0.5"), True),
        (D(15), 1 - D(15) / D("50.8"), D("0.15"), True),
        (D("0.5"), 1 - D("0.5") / D("50.8"), D("0.5"), None),
        (D(2000), D(1), None, False),
    ],
    ids=["missing in the adjusted close", "a hundred times too large", "right", "beyond belief"],
)
def test_dividends_are_carried_back_once_and_only_when_they_can_be_true(sent, applied, paid, repaired):
    rows = [replace(row, adjusted=row.close * applied) for row in SOUND[:7]] + SOUND[7:]
    rows[7] = replace(rows[7], dividend=sent)
    found = clean(rows)
    assert [row.prices for row in found.rows] == [row.prices for row in rows]
    assert [(notice.kind, notice.repaired) for notice in found.notices] == (
        [] if repaired is None else [("dividend", repaired)]
    )
    if paid is None:
        assert {row.adjusted for row in found.rows[:8]} == {None}
    else:
        factor = 1 - paid / rows[6].close
        assert all(abs(row.adjusted / row.close - factor) < D("1e-9") for row in found.rows[:7])


# Hand-made rows in the form of the vendor's real errors, and the real ones too where they lie beside the checkout.
DIRTY = sorted(path for path in (MORE / "dirty").glob("*.csv.gz") if "_fixed" not in path.name)
PENCE = {"AET-L", "ASAI-L"}  # quoted in pence, as the vendor's answer says of them


@pytest.mark.parametrize("path", [*DIRTY, None], ids=lambda path: path.name if path else "hand-made")
@pytest.mark.parametrize("unit_known", [True, False], ids=["unit-known", "unit-unknown"])
def test_every_row_of_a_dirty_file_is_the_truth_or_refused_with_a_notice(path, unit_known, tmp_path):
    if path is None:
        path = tmp_path / "vendor_HAND_1d.csv.gz"
        write(path, CASES["a split that older rows don't know"][0])
        write(fixed_twin(path), CASES["a split that older rows don't know"][1])
    sent, truth = load(path), {row.open_at: row for row in load(fixed_twin(path))}
    minor = unit_known and any(f"_{name}_" in path.name for name in PENCE)
    found = clean(sent, minor_unit=minor)
    assert found.notices
    kept = {row.open_at for row in found.rows}
    assert off_the_truth(found.rows, [truth[at] for at in sorted(kept)]) == []
    refused = {notice.open_at for notice in found.notices if not notice.repaired}
    assert {row.open_at for row in sent} - kept <= refused


@pytest.mark.parametrize("name", ["yahoo_KO_1d", "yahoo_ORCL_1d", "usstock_SPY_1d", None], ids=str)
def test_sound_data_passes_untouched(name):
    path = MORE / f"{name}.csv.gz"
    rows = load(path) if path.is_file() else SOUND
    found = clean(rows)
    assert (list(found.rows), found.notices) == (rows, ())


def off_the_truth(found, truth):
    """Values that are off by more than a hundredth of a percent."""
    names = ("open", "high", "low", "close", "volume", "adjusted", "dividend", "split")
    return [
        (row.open_at, name, getattr(row, name), getattr(wanted, name))
        for row, wanted in zip(found, truth, strict=True)
        for name in names
        if abs((getattr(row, name) or 0) - (getattr(wanted, name) or 0))
        > max(abs(getattr(wanted, name) or 0) * D("0.0001"), D("1e-9"))
    ]


def fixed_twin(path):
    return path.with_name(path.name.replace(".csv.gz", "_fixed.csv.gz"))


def load(path):
    with gzip.open(path, "rt") as lines:
        return [
            StockRow(
                datetime.fromtimestamp(int(row["timestamp_ms"]) / 1000, UTC),
                *(D(row[name]) for name in ("open", "high", "low", "close", "volume")),
                adjusted=D(row["adj_close"]) if row.get("adj_close") else None,
                dividend=D(row.get("dividend") or 0),
                split=D(row.get("split") or 0),
            )
            for row in csv.DictReader(lines)
        ]


def write(path, rows):
    with gzip.open(path, "wt") as lines:
        table = csv.writer(lines)
        table.writerow(["timestamp_ms", "open", "high", "low", "close", "volume", "adj_close", "dividend", "split"])
        for row in rows:
            at = int(row.open_at.timestamp() * 1000)
            table.writerow([at, *row.prices, row.volume, row.adjusted, row.dividend, row.split])
