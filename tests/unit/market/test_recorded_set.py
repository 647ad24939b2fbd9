from datetime import UTC, datetime, timedelta

import pytest

from apps.market.domain import recorded_set
from apps.market.domain.recorded_set import NoRecordedRun, Span, choose, common_span, parse_name

FILES = [
    "binance_BTCUSDT_5m.csv.gz",
    "binance_BTCUSDT_1h.csv.gz",
    "binance_ETHUSDT_5m.csv.gz",
    "binance_ETHUSDT_1h.csv.gz",
    "kraken_BTCUSDT_5m.csv.gz",
    "kraken_BTCUSDT_15m.csv.gz",
    "binance_BTCUSDT-2024q4_5m.csv.gz",
    "bybit_BTCUSDT-20221213_quotes_1m.csv.gz",
    "usstock_AAPL_factors.csv.gz",
    "README.md",
]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "usstock_AAPL_factors.csv.gz",
        "bybit_BTCUSDT-20221213_quotes_1m.csv.gz",
        "binance_BTCUSDT_7m.csv.gz",
    ],
)
def test_other_files_are_no_candles(name):
    assert parse_name(name) is None


def test_a_name_says_exchange_pair_suffix_and_timeframe():
    parsed = parse_name("coinbase_BTCUSD-2018_1m.csv.gz")
    assert (parsed.exchange, parsed.pair, parsed.suffix, parsed.timeframe) == ("coinbase", "BTCUSD", "2018", "1m")


def test_the_finest_timeframe_of_the_first_exchange_that_has_all_is_taken():
    choice = choose(["BTC/USDT", "ETH/USDT"], FILES, ["binance", "kraken"])
    assert choice.timeframe == "5m"
    assert choice.sources == ("binance", "kraken")
    assert {named.name for named in choice.files.values()} == {
        "binance_BTCUSDT_5m.csv.gz",
        "binance_ETHUSDT_5m.csv.gz",
        "kraken_BTCUSDT_5m.csv.gz",
    }


def test_the_preferred_exchange_leads_where_it_has_all():
    assert choose(["BTC/USDT"], FILES, ["kraken"]).sources == ("kraken", "binance")


def test_an_exchange_that_lacks_one_does_not_lead_even_when_preferred():
    assert choose(["BTC/USDT", "ETH/USDT"], FILES, ["kraken"]).sources[0] == "binance"


def test_a_file_with_a_suffix_counts_only_when_named():
    choice = choose(["BTC/USDT-2024q4"], FILES, ["binance"])
    assert [named.name for named in choice.files.values()] == ["binance_BTCUSDT-2024q4_5m.csv.gz"]
    assert choice.symbols == ("BTC/USDT",)


def test_an_instrument_without_a_file_is_named():
    with pytest.raises(NoRecordedRun, match="INSTRUMENTS names DOGE/USDT, but RECORDED_DIR holds no file for it"):
        choose(["BTC/USDT", "DOGE/USDT"], FILES, [])


def test_instruments_on_different_exchanges_only_make_no_run():
    names = ["binance_BTCUSDT_5m.csv.gz", "kraken_ETHUSDT_5m.csv.gz"]
    with pytest.raises(NoRecordedRun, match="No single exchange has candles of BTC/USDT, ETH/USDT at one timeframe"):
        choose(["BTC/USDT", "ETH/USDT"], names, [])


def test_what_is_no_instrument_is_refused():
    with pytest.raises(NoRecordedRun, match="'BTCUSDT' is no instrument; write BASE/QUOTE"):
        choose(["BTCUSDT"], FILES, [])


def spans(**bars):
    return {
        ("binance", f"{base}/USDT"): Span(START + timedelta(minutes=5 * first), START + timedelta(minutes=5 * last))
        for base, (first, last) in bars.items()
    }


def test_the_span_is_the_intersection_over_the_instruments():
    choice = choose(["BTC/USDT", "ETH/USDT"], FILES, ["binance"])
    found = common_span(choice, spans(BTC=(0, 2_000), ETH=(300, 5_000)))
    assert found == Span(START + timedelta(minutes=1_500), START + timedelta(minutes=10_000))


def test_spans_that_do_not_meet_are_told_apart():
    choice = choose(["BTC/USDT", "ETH/USDT"], FILES, ["binance"])
    with pytest.raises(NoRecordedRun, match=r"don't overlap: BTC/USDT 2026-01-01 00:00 to .*; ETH/USDT"):
        common_span(choice, spans(BTC=(0, 600), ETH=(700, 2_000)))


def test_a_span_without_a_bar_after_the_history_is_refused():
    choice = choose(["BTC/USDT"], FILES, ["binance"])
    with pytest.raises(NoRecordedRun, match="has 500 bars of 5m; 500 serve as history, so at least 501"):
        common_span(choice, spans(BTC=(0, recorded_set.HISTORY_BARS - 1)))


def test_the_name_of_a_file_reads_back():
    parsed = parse_name(recorded_set.file_name("kraken", "SOL/USDT", "15m"))
    assert (parsed.exchange, parsed.pair, parsed.timeframe) == ("kraken", "SOLUSDT", "15m")
