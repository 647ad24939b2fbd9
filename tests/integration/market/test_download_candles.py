"""Candle files fetched from an exchange, as a recorded market reads them."""

import gzip
import json
import socket
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.market.adapters.recorded_provider import CandleFile
from apps.market.domain import timeframes
from tests.support.recorded_exchange import RecordedExchange, ccxt_urls

NOW = datetime(2026, 3, 2, 12, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def served():
    world = RecordedExchange(now=lambda: NOW)
    with world.serving() as address:
        yield world, address


@pytest.fixture
def download(served, settings, tmp_path, monkeypatch, capsys):
    world, address = served
    settings.HQ_CCXT_URLS = ccxt_urls(address)
    world.faults.clear()
    monkeypatch.setattr("tradinghq.management.commands.download_candles.wall_now", lambda: NOW)

    def run(*arguments, exchange="binance", symbols="BTC/USDT"):
        call_command(
            "download_candles", f"--dir={tmp_path}", f"--exchange={exchange}", f"--instruments={symbols}", *arguments
        )
        return capsys.readouterr().out

    run.world, run.folder = world, tmp_path
    return run


def held(folder, name="binance_BTCUSDT_1m.csv.gz"):
    return CandleFile(folder / name, "BTC/USDT", name.partition("_")[0], name.split("_")[2].partition(".")[0])


def test_a_span_is_fetched_whole_in_the_form_that_a_recorded_market_reads(download):
    said = download("--timeframe=1m", "--start=2026-03-02", symbols="BTC/USDT,ETH/USDT")
    assert "100%" in said
    file = held(download.folder)
    assert file.span.first_open == datetime(2026, 3, 2, tzinfo=UTC)
    assert file.span.last_open == NOW - timedelta(minutes=1)
    assert len(file.opens) == 727
    assert (download.folder / "binance_ETHUSDT_1m.csv.gz").is_file()
    rules = json.loads((download.folder / "binance_markets.json").read_text())
    assert rules["BTC/USDT"] == {
        "min_notional": "5",
        "min_quantity": "0.00001",
        "step_size": "0.00001",
        "tick_size": "0.01",
    }
    assert not list(download.folder.glob("*.part"))


def test_a_second_call_only_fetches_what_is_new(download):
    download("--timeframe=5m", "--start=2026-02-27", "--end=2026-03-01")
    name = "binance_BTCUSDT_5m.csv.gz"
    before = gzip.decompress((download.folder / name).read_bytes())
    download.world.asked.clear()
    download("--timeframe=5m", "--start=2026-02-27")
    after = gzip.decompress((download.folder / name).read_bytes())
    assert after.startswith(before)
    assert held(download.folder, name).span.last_open == NOW - timedelta(minutes=7)
    first = next(path for path in download.world.asked if "klines" in path)
    begun = timeframes.to_milliseconds(datetime(2026, 3, 1, tzinfo=UTC))
    assert f"startTime={begun}" in first


def test_a_download_that_broke_off_goes_on(download, monkeypatch):
    from apps.market.operations import download_candles

    monkeypatch.setitem(download_candles.__globals__, "TRIES", 1)
    whole_world = download.world.candles
    pages = []

    def dying(*asked):
        pages.append(asked)
        if len(pages) > 1:
            download.world.faults["binance"] = "down"
        return whole_world(*asked)

    monkeypatch.setattr(download.world, "candles", dying)
    with pytest.raises(CommandError, match="What was fetched is kept; the same command goes on from there"):
        download("--timeframe=1m", "--start=2026-03-02")
    assert not (download.folder / "binance_BTCUSDT_1m.csv.gz").exists()
    with (download.folder / "binance_BTCUSDT_1m.csv.part").open("a") as part:
        part.write("17724")  # the row that a kill cut off
    monkeypatch.setattr(download.world, "candles", whole_world)
    download.world.faults.clear()
    download("--timeframe=1m", "--start=2026-03-02")
    assert len(held(download.folder).opens) == 727


def test_a_file_that_begins_later_is_not_filled_from_the_front(download):
    download("--timeframe=1m", "--start=2026-03-02")
    with pytest.raises(CommandError, match="The file begins at 2026-03-02 00:00, after the wished start"):
        download("--timeframe=1m", "--start=2026-03-01")


@pytest.mark.parametrize(
    ("arguments", "changes", "sentence"),
    [
        (["--start=yesterday"], {}, "written YYYY-MM-DD, such as 2026-01-31; was 'yesterday'"),
        (["--start=2026-03-05"], {}, "No whole bar lies between start and end"),
        ([], {"symbols": "XRP/USDT"}, "binance does not trade XRP/USDT"),
        ([], {"exchange": "binanse"}, r"^--exchange was 'binanse'; ccxt knows none of that name\. Take one it knows, "),
    ],
)
def test_an_odd_wish_is_refused_with_a_sentence(download, arguments, changes, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        download(*arguments, **changes)
    assert "kept" not in str(refused.value)  # nothing was fetched


def test_an_exchange_that_can_not_be_reached_is_told_as_that(download, settings):
    with socket.socket() as nobody:  # a port of this machine where nothing listens
        nobody.bind(("127.0.0.1", 0))
        settings.HQ_CCXT_URLS = ccxt_urls(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(CommandError) as refused:
            download()
    told = str(refused.value)
    assert told.startswith(
        "binance can't be reached, or does not answer. Check the network, then type the same command"
    )
    assert "kept" not in told
    assert not list(download.folder.iterdir())


def test_a_folder_that_can_not_be_written_is_named_before_anything_is_fetched(download, tmp_path):
    (tmp_path / "file").touch()
    download.world.asked.clear()
    with pytest.raises(
        CommandError, match=r"--dir was .*/file/candles, where nothing can be written \(Not a directory\)"
    ):
        download(f"--dir={tmp_path / 'file' / 'candles'}")
    assert not [path for path in download.world.asked if "klines" in path]
