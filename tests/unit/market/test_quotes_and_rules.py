from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.market.domain import data_quality, quotes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import assumed_rules, full_symbol

OPEN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BAR = Candle("BTC/USDT", "binance", "5m", OPEN, *map(Decimal, ("50000", "50500", "49900", "50200.5", "12")))


def test_a_recorded_quote_is_the_close_one_basis_point_to_each_side():
    found = quotes.assumed_quote(BAR, received_at=OPEN, market="recorded")
    assert (found.bid, found.ask, found.last) == (Decimal("50195.47"), Decimal("50205.53"), Decimal("50200.5"))
    assert found.event_at == BAR.close_at
    assert found.market == "recorded"


def test_a_simulated_quote_widens_with_the_range_up_to_a_limit():
    calm = replace(BAR, high=Decimal(50201), low=Decimal(49999))
    wild = replace(BAR, high=Decimal(60000), low=Decimal(40000))
    widths = [quotes.half_spread_bps(bar, "simulated") for bar in (calm, BAR, wild)]
    assert widths == sorted(widths)
    assert widths[0] > 1
    assert widths[-1] == 12


def test_a_tiny_price_keeps_a_positive_spread():
    pepe = replace(
        BAR, open=Decimal("0.0000013"), high=Decimal("0.0000014"), low=Decimal("0.0000012"), close=Decimal("0.0000013")
    )
    found = quotes.assumed_quote(pepe, received_at=OPEN, market="recorded")
    assert 0 < found.bid < pepe.close < found.ask


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [("0", "1", "must be positive"), ("2", "1", "above ask"), ("NaN", "1", "not a finite number")],
)
def test_an_impossible_quote_is_told_why(bid, ask, why):
    broken = quotes.Quote("BTC/USDT", "x", Decimal(bid), Decimal(ask), None, OPEN, OPEN, "live")
    assert why in quotes.problem(broken)


def test_assumed_rules_come_from_the_digits_of_the_data_and_say_so():
    found = assumed_rules("BTC/USDT", prices=[Decimal("42283.58"), Decimal(42488)], volumes=[Decimal("155.25731")])
    assert (found.tick_size, found.step_size, found.min_notional) == (Decimal("0.01"), Decimal("0.00001"), Decimal(5))
    assert found.assumed == ("tick_size", "step_size", "min_quantity", "min_notional")


def test_a_hole_is_found_with_its_ends():
    opens = [OPEN, OPEN.replace(minute=5), OPEN.replace(minute=25)]
    assert data_quality.find_gaps(opens, "5m") == [
        data_quality.Gap(OPEN.replace(minute=10), OPEN.replace(minute=20), 3)
    ]


def test_a_wick_and_a_jump_are_outliers_and_an_ordinary_bar_is_not():
    spike = replace(BAR, high=Decimal(70000))
    jump = replace(BAR, open=Decimal(70000), high=Decimal(70500), low=Decimal(69900), close=Decimal(70200))
    assert data_quality.find_outliers([BAR]) == []
    assert "wick" in data_quality.find_outliers([BAR, spike])[0].reason
    assert "close moved" in data_quality.find_outliers([jump], before=BAR.close)[0].reason


def test_divergence_is_measured_from_the_lowest():
    assert data_quality.divergence_bps([Decimal(100), Decimal(101)]) == 100
    assert data_quality.divergence_bps([Decimal(100)]) == 0


@pytest.mark.parametrize("word", ["BTC-USDT", "btc", "BTC/usdt", "/USDT"])
def test_a_word_of_the_watch_list_that_is_no_instrument_is_quoted_as_typed(word):
    with pytest.raises(ValueError, match=f"^'{word}' is no instrument; write BASE/QUOTE in capitals"):
        full_symbol(word)


def test_a_word_of_the_watch_list_is_a_pair_or_a_stock():
    words = ("BTC/USDT", "BTC/USD-2018", "AAPL", "BRK.B")
    assert [full_symbol(word) for word in words] == ["BTC/USDT", "BTC/USD-2018", "AAPL/USD", "BRK.B/USD"]
