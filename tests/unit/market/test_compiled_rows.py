"""The compiled reader of candle rows, held to Python's own numbers."""

import gzip
import random
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.market.adapters import candle_column_files
from apps.market.adapters.compiled_rows import numbers_of
from tests.support.candle_files import write_candles

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=8).map("{:f}".format),
    st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)


@settings(deadline=None)  # the first call may compile
@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=5))
@example([["9007199254740993", "0.1", "00000000000000000000001.5"]])
@example([["9007199254740992", ".5", "5."]])
@example([["1e22", "-0.0", "0.000000000000000000000001"]])
def test_each_number_has_the_bits_that_python_reads(rows):
    found = numbers_of("".join(",".join(row) + "\n" for row in rows).encode(), cells=3)
    assert [[struct.pack("d", cell) for cell in row] for row in found.tolist()] == [
        [struct.pack("d", float(cell)) for cell in row] for row in rows
    ]


@pytest.mark.parametrize(
    "rows",
    [
        b"1,2\n",
        b"1,2,3,4\n",
        b"1,2,3",
        b"1,,3\n",
        b"1,-,3\n",
        b"1,.,3\n",
        b"1,2e,3\n",
        b"1,2e+,3\n",
        b"1,2.3.4,3\n",
        b"1,nan,3\n",
        b"1,2,3\r\n",
        b"1, 2,3\n",
        b"1,2,3\n\n4,5,6\n",
        b"1_0,2,3\n",
    ],
)
def test_rows_of_another_form_are_left_to_the_reader_that_says_what_is_wrong(rows):
    assert numbers_of(rows, cells=3) is None


def test_a_long_file_is_read_as_a_short_one(tmp_path, monkeypatch):
    path = write_candles(tmp_path, "BTC/USDT", bars=300)
    short = candle_column_files.read_columns(path)
    monkeypatch.setattr(candle_column_files, "_LONG", 1)
    asked = []
    monkeypatch.setattr(candle_column_files.np, "fromstring", lambda *_a, **_k: asked.append("the short one's reader"))
    long = candle_column_files.read_columns(path)
    assert not asked
    for name in ("times", "open", "high", "low", "close", "volume"):
        assert getattr(long, name).tobytes() == getattr(short, name).tobytes()


def test_a_long_file_with_a_wrong_cell_is_refused_with_the_same_sentence(tmp_path, monkeypatch):
    rows = [f"{1_700_000_000_000 + 300_000 * n},1,2,0.5,1,{random.Random(n).random()}" for n in range(50)]
    rows[20] = rows[20].replace(",2,", ",,")
    path = tmp_path / "binance_BTCUSDT_5m.csv.gz"
    path.write_bytes(gzip.compress(("timestamp_ms,open,high,low,close,volume\n" + "\n".join(rows) + "\n").encode()))
    told = []
    for length in (4_000_000, 1):
        monkeypatch.setattr(candle_column_files, "_LONG", length)
        with pytest.raises(candle_column_files.NoRecordedRun) as refused:
            candle_column_files.read_columns(path)
        told.append(str(refused.value))
    assert told[0] == told[1]
