"""Orders on their way count against the loss limits at the price they may have traded at."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.trading.domain.risk.in_flight import InFlight, in_flight_loss

D = Decimal
MARKS = {"BTC/USDT": D(90), "ETH/USDT": D(10)}


def order(side="buy", left="2", price="100", symbol="BTC/USDT"):
    return InFlight(symbol, side, D(left), None if price is None else D(price))


def test_a_buy_above_the_mark_has_lost_the_difference():
    assert in_flight_loss([order()], MARKS) == 20


def test_a_buy_below_the_mark_has_lost_nothing():
    assert in_flight_loss([order(price="80")], MARKS) == 0


def test_a_sale_below_the_mark_gives_the_difference_away():
    assert in_flight_loss([order(side="sell", price="85")], MARKS) == 10
    assert in_flight_loss([order(side="sell", price="95")], MARKS) == 0


def test_gains_do_not_pay_for_losses():
    assert in_flight_loss([order(), order(price="10", left="100")], MARKS) == 20


def test_without_a_mark_nobody_knows():
    assert in_flight_loss([order(symbol="SOL/USDT")], MARKS) is None


def test_an_order_judged_without_a_price_adds_nothing():
    assert in_flight_loss([order(price=None)], MARKS) == 0


orders = st.builds(
    InFlight,
    symbol=st.sampled_from(sorted(MARKS)),
    side=st.sampled_from(["buy", "sell"]),
    left=st.integers(0, 1000).map(D),
    price=st.one_of(st.none(), st.integers(1, 1000).map(D)),
)


@given(st.lists(orders), orders)
def test_one_more_order_never_lowers_it(some, more):
    before, after = in_flight_loss(some, MARKS), in_flight_loss([*some, more], MARKS)
    assert 0 <= before <= after
