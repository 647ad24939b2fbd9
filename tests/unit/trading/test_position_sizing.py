"""From target to order or to the reason why there is none."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.trading.domain.orders.position_sizing import NoTrade, SizedOrder, SizingFacts, TargetExposure, size_target

STEP = Decimal("0.0001")
FACTS = SizingFacts(
    price=50_000.0,
    equity=1000.0,
    cash=1000.0,
    position_lots=0,
    step=0.0001,
    min_notional=5.0,
    max_position_share=0.25,
    max_order_notional=250.0,
    rebalance_band=0.2,
    fee_bps=10.0,
    spread_bps=2.0,
    collar_bps=200.0,
    fee_edge_multiple=1.0,
    minutes_since_close=None,
    reentry_minutes=15.0,
    order_working=False,
    paused_reason=None,
)


def sized(fraction=1.0, edge=100.0, **changes):
    target = TargetExposure("BTC/USDT", fraction, edge, None, "because")
    return size_target(target=target, facts=replace(FACTS, **changes), step=STEP)


def test_a_full_target_buys_the_largest_position_rounded_down():
    order = sized(price=51_234.0)
    assert isinstance(order, SizedOrder)
    assert (order.side, order.quantity, order.reduce_only) == ("buy", Decimal("0.0048"), False)
    assert order.sizing["lots"] == 48


def test_zero_sells_everything_without_price_or_edge():
    order = sized(0.0, None, position_lots=37, price=None, equity=None, spread_bps=None, paused_reason="x")
    assert (order.side, order.quantity, order.reduce_only) == ("sell", Decimal("0.0037"), True)


def test_a_lower_target_sells_the_difference():
    order = sized(0.4, None, position_lots=50)
    assert (order.side, order.quantity) == ("sell", Decimal("0.0030"))


@pytest.mark.parametrize(
    ("code", "given", "words"),
    [
        ("already_there", {"position_lots": 50}, "Already there: 250.00 is held"),
        ("already_there", {"position_lots": 41}, "changes below 50.00 are not traded"),
        ("already_there", {"fraction": 0.0}, "Already flat"),
        ("edge_below_costs", {"edge": 8.0}, "The edge of 0.08 % does not pay 0.22 % of fees and spread."),
        ("edge_below_costs", {"edge": 22.0}, "does not pay"),
        ("edge_below_costs", {"edge": 21.9999}, "The edge of 0.219999 % does not pay 0.220000 %"),
        ("no_edge_given", {"edge": None}, "states no expected edge"),
        ("no_cash", {"cash": 5.0}, "5.00 is free, the smallest order may cost 5.11"),
        ("below_step", {"step": 0.01, "price": 50_000.0}, "less than one step of 0.01"),
        ("below_min_notional", {"min_notional": 60.0, "fraction": 0.21, "price": 260_000.0}, "Too small: 52.00"),
        ("cooling_down", {"minutes_since_close": 3.0}, "closed 3 min ago"),
        ("order_working", {"order_working": True}, "still working"),
        ("order_working", {"order_working": True, "fraction": 0.0, "position_lots": 5}, "still working"),
        ("instrument_paused", {"paused_reason": "halted by hand"}, "halted by hand"),
        ("no_price", {"price": None}, "No price"),
        ("no_price", {"equity": None}, "No price"),
        ("no_price", {"spread_bps": None}, "No price"),
    ],
)
def test_no_trade_says_why(code, given, words):
    answer = sized(**given)
    assert isinstance(answer, NoTrade)
    assert answer.code == code
    assert words in answer.reason


def test_just_above_its_costs_an_edge_is_traded():
    assert isinstance(sized(edge=22.001), SizedOrder)


def test_adding_to_a_position_waits_for_no_cool_down():
    assert isinstance(sized(position_lots=10, minutes_since_close=1.0), SizedOrder)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_nonsense_target_is_a_programming_error(fraction):
    with pytest.raises(ValueError, match="fraction"):
        sized(fraction)


@given(
    st.floats(0, 1),
    st.floats(0.01, 1e6),
    st.floats(1, 1e6),
    st.floats(0, 1e6),
    st.integers(0, 10**6),
)
@settings(max_examples=300, deadline=None)
def test_no_size_ever_exceeds_cash_position_or_limits(fraction, price, equity, cash, held):
    answer = sized(fraction, price=price, equity=equity, cash=cash, position_lots=held)
    if isinstance(answer, NoTrade):
        assert answer.reason
        return
    quantity = float(answer.quantity)
    if answer.side == "sell":
        assert 0 < answer.quantity <= STEP * held
        return
    slack = 1 + 1e-6
    assert quantity * price * 1.02 * 1.001 <= cash * slack
    assert quantity * price <= 250 * slack
    assert (quantity + held * 0.0001) * price <= fraction * 0.25 * equity * slack
    assert answer.quantity % STEP == 0
