"""Candle files as columns: the same candles as row by row, the same refusals."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.market.adapters.candle_column_files import read_columns, rules_beside, symbol_of
from apps.market.adapters.recorded_provider import CandleFile
from apps.market.domain import timeframes
from apps.market.domain.recorded_set import NoRecordedRun, parse_name
from tests.support.candle_files import write_candles

HEADER = "timestamp_ms,open,high,low,close,volume\n"
T = 1_704_067_200_000
ROW = f"{T},1.5,2.5,1.25,2.0,10.125\n"


def write(folder, text, name="binance_BTCUSDT_5m.csv.gz"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_columns_hold_exactly_the_candles_that_are_read_row_by_row(tmp_path):
    write_candles(tmp_path, "BTC/USDT", bars=300)
    path = tmp_path / "binance_BTCUSDT_5m.csv.gz"
    columns = read_columns(path)
    file = CandleFile(path, "BTC/USDT", "binance", "5m")
    rows = file.between(file.opens[0], file.opens[-1] + 1)
    assert len(rows) == len(columns) == 300
    assert [columns.candle(place) for place in range(300)] == rows


def test_a_row_that_can_not_be_true_is_left_out_as_it_is_live(tmp_path):
    bad = f"{T + 300_000},1.5,1.0,1.25,2.0,10\n{T + 600_001},1,1,1,1,1\n"
    path = write(tmp_path, HEADER + ROW + bad + f"{T + 900_000},2,2,2,2,0")
    assert read_columns(path).times.tolist() == [T, T + 900_000]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,open\n" + ROW, "must start with the line"),
        (HEADER + f"{T},1.5,x,1.25,2.0,1\n", "rows that are no candles, with b'x'"),
        (HEADER + f"{T},1.5,2.5\n", "rows that are no candles"),
        (HEADER, "rows that are no candles"),
        (HEADER + f"{T},1.5,2..5,1.25,2.0,1\n", "a cell that is no number"),
        (HEADER + f"{T},1,1,1,1\n{T + 300_000},1,1,1,1,1,1\n", "rows that are no candles"),
        (HEADER + f"{T},1.5,,1.25,2.0,1\n", "no number|empty cell"),
        (HEADER + ROW + ROW, "ascending order"),
        (HEADER + f"{T},1,0.5,2,1,1\n", "no sound candle"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(tmp_path, text, told):
    with pytest.raises(NoRecordedRun, match=told):
        read_columns(write(tmp_path, text))


def test_a_file_that_is_no_archive_or_has_another_name_is_refused(tmp_path):
    path = tmp_path / "binance_BTCUSDT_5m.csv.gz"
    path.write_bytes(b"timestamp_ms")
    with pytest.raises(NoRecordedRun, match="can't be read"):
        read_columns(path)
    with pytest.raises(NoRecordedRun, match="must be named"):
        read_columns(write(tmp_path, HEADER + ROW, "candles.csv.gz"))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("binance_BTCUSDT_5m", "BTC/USDT"), ("coinbase_BTCUSD-2018_1m", "BTC/USD"), ("binance_ETHBTC_1h", "ETH/BTC")],
)
def test_the_name_tells_the_instrument(name, symbol):
    assert symbol_of(parse_name(f"{name}.csv.gz")) == symbol


def test_a_name_that_does_not_is_refused(tmp_path):
    with pytest.raises(NoRecordedRun, match="give the instrument too"):
        read_columns(write(tmp_path, HEADER + ROW, "usstock_AAPL_1h.csv.gz"))


def test_rules_come_from_the_exchange_or_from_the_data(tmp_path):
    path = write(tmp_path, HEADER + ROW)
    columns = read_columns(path)
    assert rules_beside(path, columns).assumed
    stated = {"tick_size": "0.01", "step_size": "0.00001", "min_quantity": "0.00001", "min_notional": "5"}
    (tmp_path / "binance_markets.json").write_text(json.dumps({"BTC/USDT": stated}))
    rules = rules_beside(path, columns)
    assert (rules.tick_size, rules.assumed) == (Decimal("0.01"), ())


def test_rows_are_cut_by_time(tmp_path):
    write_candles(tmp_path, "BTC/USDT", bars=50)
    columns = read_columns(tmp_path / "binance_BTCUSDT_5m.csv.gz")
    cut = columns.between(int(columns.times[10]), int(columns.times[20]))
    assert np.array_equal(cut.times, columns.times[10:20])
    assert timeframes.from_milliseconds(int(cut.closes_at[0])) == columns.candle(10).close_at


def test_a_file_written_by_the_guide_is_read(tmp_path):
    guide = (Path(settings.BASE_DIR) / "docs" / "guides" / "backtest.md").read_text()
    text = guide.split("## Bring your own candles\n")[1].split("```csv\n")[1].split("```")[0]
    path = tmp_path / "mine_BTCUSDT_1h.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    columns, file = read_columns(path), CandleFile(path, "BTC/USDT", "mine", "1h")
    assert (columns.symbol, columns.source, columns.timeframe, len(columns)) == ("BTC/USDT", "mine", "1h", 3)
    assert file.span.first_open == datetime(2026, 1, 1, tzinfo=UTC)
    assert [columns.candle(place) for place in range(3)] == file.between(0, 2**60)
    for timeframe in timeframes.SECONDS:
        assert timeframe in guide.split("## Bring your own candles\n")[1].split("\n## ")[0]
