from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apps.market.domain.mark_price import mark_of
from apps.market.domain.quotes import Quote

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def quote(source, price, *, event=timedelta(0), received=timedelta(0), half="0.5"):
    price, half = Decimal(price), Decimal(half)
    return Quote("BTC/USDT", source, price - half, price + half, price, NOW - event, NOW - received, "live")


def mark(*quotes, live=True):
    return mark_of("BTC/USDT", quotes, wall=NOW, firm=NOW, bar=MINUTE, live=live)


def test_the_mark_is_the_median_of_the_sources():
    found = mark(quote("a", 1000), quote("b", 1002), quote("c", 1001))
    assert found.price == 1001
    assert found.sources == ("a", "b", "c")
    assert not found.stale
    assert not found.diverging


def test_without_any_quote_there_is_no_price_and_it_says_so():
    found = mark()
    assert found.price is None
    assert found.stale
    assert "No source has sent a price of BTC/USDT" in found.reason


def test_an_outlier_against_a_majority_is_left_out_and_named():
    found = mark(quote("a", 1000), quote("b", 1001), quote("c", 1100))
    assert found.price == Decimal("1000.5")
    assert not found.diverging
    assert "c is off by more than 50 bp" in found.reason


def test_two_sources_that_disagree_are_diverging():
    found = mark(quote("a", 1000), quote("b", 1020))
    assert found.diverging
    assert found.reason == "Sources disagree: a 1000, b 1020."


def test_a_silent_feed_is_stale_by_the_wall_clock_on_a_live_market():
    found = mark(quote("a", 1000, received=timedelta(seconds=21)))
    assert found.stale
    assert found.price == 1000
    assert found.reason == "Stale: a has been silent for 21 s."


def test_the_wall_clock_does_not_matter_in_lock_step():
    assert not mark(quote("a", 1000, received=timedelta(hours=5)), live=False).stale


@pytest.mark.parametrize(("bars", "stale"), [(3, False), (4, True)])
def test_an_event_older_than_three_bars_is_stale_by_the_firm_clock(bars, stale):
    found = mark(quote("a", 1000, event=MINUTE * bars), live=False)
    assert found.stale is stale
    assert ("last spoke 4 bars ago" in found.reason) is stale


def test_a_stale_source_does_not_move_the_mark_while_another_is_fresh():
    found = mark(quote("a", 1000, received=timedelta(minutes=2)), quote("b", 1300))
    assert found.price == 1300
    assert not found.stale
    assert not found.diverging
    assert "a has been silent for 120 s" in found.reason


@given(some.lists(some.decimals(min_value=990, max_value=1010, places=2), min_size=1, max_size=6), some.randoms())
def test_the_mark_lies_among_the_sources_whatever_their_order(prices, shuffler):
    quotes = [quote(f"s{place}", price) for place, price in enumerate(prices)]
    found = mark(*quotes)
    shuffler.shuffle(quotes)
    again = mark(*quotes)
    assert min(prices) <= found.price <= max(prices)
    assert (again.price, again.diverging, again.stale) == (found.price, found.diverging, found.stale)
