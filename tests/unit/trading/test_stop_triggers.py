"""Which price hits which trigger, and how a trailing stop follows: on bars nothing uncertain counts for us."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.domain.stops.stop_triggers import Stretch, Trail, hit_at_open, is_hit, trail

D = Decimal
TICK = D("0.01")


def bar(opening, low, high, close):
    return Stretch(D(opening), D(low), D(high), D(close))


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "hit"),
    [
        ("sell", "stop", 90, True),
        ("sell", "stop", 89, False),
        ("sell", "stop_limit", 90, True),
        ("sell", "trailing_stop", 89, False),
        ("sell", "take_profit", 110, True),
        ("sell", "take_profit", 111, False),
        ("buy", "stop", 110, True),
        ("buy", "stop", 111, False),
        ("buy", "take_profit", 90, True),
        ("buy", "take_profit", 89, False),
    ],
)
def test_a_trigger_is_hit_when_the_market_trades_there(side, kind, trigger, hit):
    assert is_hit(side=side, type=kind, trigger=D(trigger), seen=bar(100, 90, 110, 100)) is hit


def test_a_gap_hits_at_the_open():
    gap = bar(88, 85, 95, 94)
    assert hit_at_open(side="sell", type="stop", trigger=D(90), seen=gap)
    assert not hit_at_open(side="sell", type="stop", trigger=D(87), seen=gap)
    assert hit_at_open(side="buy", type="take_profit", trigger=D(90), seen=gap)


def two_percent(extreme=None, side="sell"):
    return Trail(side=side, percent=D(2), amount=None, tick=TICK, extreme=None if extreme is None else D(extreme))


def test_a_trailing_stop_rises_with_the_high_and_stays_when_the_price_falls():
    risen = trail(two_percent(100), bar(100, "99.5", 110, 109))
    assert (risen.extreme, risen.stop_price, risen.hit) == (110, D("107.80"), False)
    fallen = trail(two_percent(110), bar(109, 108, 109, 108))
    assert (fallen.extreme, fallen.stop_price, fallen.hit) == (110, D("107.80"), False)


def test_the_low_is_held_against_the_stop_of_before_the_high():
    assert trail(two_percent(100), bar(100, "97.9", 120, 118)).hit
    # 118 lies below 2 % under the high of 121, and the close comes after the high: it was hit on the way down.
    assert trail(two_percent(100), bar(100, "99", 121, 118)).hit
    assert not trail(two_percent(100), bar(100, "99", 120, 118)).hit


def test_a_gap_through_the_stop_is_a_hit_at_the_old_stop():
    gapped = trail(two_percent(100), bar(95, 94, 130, 129))
    assert (gapped.hit, gapped.stop_price, gapped.extreme) == (True, 98, 100)


def test_a_buy_trails_downwards_by_an_amount():
    rule = Trail(side="buy", percent=None, amount=D(5), tick=TICK, extreme=D(100))
    lower = trail(rule, bar(99, 90, 100, 91))
    assert (lower.extreme, lower.stop_price, lower.hit) == (90, 95, False)
    assert trail(rule, bar(99, 90, 105, 100)).hit


def test_the_first_look_begins_at_the_open():
    first = trail(two_percent(), bar(100, 99, 100, 100))
    assert (first.extreme, first.stop_price, first.hit) == (100, 98, False)


prices = st.decimals(min_value=1, max_value=1000, places=2)


@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=12), st.sampled_from(["sell", "buy"]))
def test_a_trailing_stop_never_moves_back_and_always_stays_at_its_distance(seen, side):
    rule, last = two_percent(side=side), None
    for opening, one, other, close in seen:
        stretch = Stretch(opening, min(opening, one, other, close), max(opening, one, other, close), close)
        after = trail(rule, stretch)
        assert after.stop_price == rule.stop_at(after.extreme)
        if last is not None:
            assert after.stop_price >= last if side == "sell" else after.stop_price <= last
        if after.hit:
            return
        last = after.stop_price
        rule = Trail(side=side, percent=D(2), amount=None, tick=TICK, extreme=after.extreme)
        # Not hit: the whole of what is left of the bar lies on the good side of the stop.
        assert close > last if side == "sell" else close < last
