"""Each order type does what its name says, on the paper exchange, bar by bar; triggers are watched here."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.errors import Refused
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.protection.guard_cycle import guard_cycle
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def test_a_stop_limit_waits_and_then_rests_at_its_limit(desk):
    order_id = desk.propose(type="stop_limit", stop_price=D(50_200), limit_price=D(50_150), quantity="0.002")
    desk.bar(BTC=(50_000, 50_199, 50_000, 50_100))
    assert desk.order(order_id).state == "ARMED"
    desk.bar(BTC=(50_100, 50_250, 50_100, 50_240))
    assert desk.order(order_id).state == "ACCEPTED"
    desk.bar(BTC=(50_240, 50_300, 50_160, 50_200))
    assert desk.order(order_id).state == "ACCEPTED"
    desk.bar(BTC=(50_200, 50_200, 50_100, 50_120))
    assert (desk.order(order_id).state, desk.order(order_id).average_price) == ("FILLED", 50_150)
    desk.assert_books_balance()


def test_a_take_profit_sells_once_the_price_is_good_enough(desk):
    desk.buy(quantity="0.002")
    order_id = desk.propose(side="sell", type="take_profit", stop_price=D(50_500), quantity="0.002", reduce_only=True)
    desk.bar(BTC=(50_000, 50_499, 49_950, 50_400))
    assert desk.order(order_id).state == "ARMED"
    desk.bar(BTC=(50_400, 50_500, 50_400, 50_450))
    assert desk.order(order_id).state == "ACCEPTED"
    desk.bar(BTC=(50_450, 50_450, 50_450, 50_450))
    assert desk.order(order_id).state == "FILLED"
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_gap_through_a_trigger_fills_at_the_gap_never_at_the_trigger(desk):
    order_id = desk.propose(type="stop", stop_price=D(50_200), quantity="0.002")
    desk.bar(BTC=(50_600, 50_700, 50_600, 50_650))
    desk.bar(BTC=(50_650, 50_650, 50_650, 50_650))
    assert desk.order(order_id).average_price > 50_650
    desk.assert_books_balance()


@pytest.mark.parametrize("distance", [{"trail_pct": D(1)}, {"trail_amount": D(500)}])
def test_a_trailing_stop_follows_the_high_and_fires_below_it(desk, distance):
    desk.buy(quantity="0.002")
    order_id = desk.propose(side="sell", type="trailing_stop", quantity="0.002", reduce_only=True, **distance)
    start = desk.order(order_id)
    assert (start.trail_extreme, start.stop_price) == (50_000, 49_500)
    desk.bar(BTC=(50_000, 50_400, 49_990, 50_400))
    risen = desk.order(order_id)
    assert risen.trail_extreme == 50_400
    assert risen.stop_price == (D(49_896) if "trail_pct" in distance else D(49_900))
    desk.bar(BTC=(50_400, 50_400, 49_950, 49_950))
    assert desk.order(order_id).stop_price == risen.stop_price
    desk.bar(BTC=(49_950, 49_950, 49_890, 49_900))
    desk.bar()
    assert desk.order(order_id).state == "FILLED"
    desk.assert_books_balance()


def test_a_bar_that_is_gone_through_twice_does_not_fire_a_trailing_stop_by_its_own_rise(desk):
    desk.buy(quantity="0.002")
    order_id = desk.propose(side="sell", type="trailing_stop", trail_pct=D(1), quantity="0.002", reduce_only=True)
    desk.market.bar(BTC=(50_000, 50_900, 49_900, 50_850))
    desk.match()
    desk.guard()
    from apps.trading.models import Cursor

    Cursor.objects.filter(name="guard").update(through=desk.market.bar_at - timedelta(minutes=1))
    guard_cycle(moment=desk.moment())
    order = desk.order(order_id)
    assert (order.state, order.trail_extreme) == ("ARMED", 50_900)


def test_a_trigger_on_the_wrong_side_is_denied_with_the_side(desk):
    for side, kind, price in (("buy", "stop", 49_000), ("buy", "take_profit", 51_000), ("buy", "stop_limit", 49_000)):
        limit = {"limit_price": D(49_100)} if kind == "stop_limit" else {}
        intent = OrderIntent(
            symbol="BTC/USDT", side=side, type=kind, quantity=D("0.002"), stop_price=D(price), actor="t", **limit
        )
        view = propose_order(intent=intent, moment=desk.moment())
        assert (view["state"], view["reject_code"]) == ("DENIED", "stop_on_wrong_side"), view["reject_detail"]
    desk.assert_books_balance()


def test_a_date_that_has_passed_is_refused_by_name(desk):
    with pytest.raises(Refused) as refused:
        desk.propose(type="limit", limit_price=D(49_000), time_in_force="GTD", expires_firm=desk.market.bar_at)
    assert (refused.value.code, refused.value.field) == ("in_the_past", "expires_at")


def test_an_order_never_fills_in_a_bar_that_opens_at_its_date(desk):
    until = desk.market.bar_at + timedelta(minutes=1)
    order_id = desk.propose(type="limit", limit_price=D(49_900), time_in_force="GTD", expires_firm=until)
    desk.send(order_id)
    desk.market.bar()
    desk.market.bar(BTC=(50_000, 50_000, 49_000, 49_500))
    desk.match()
    assert (desk.order(order_id).state, desk.order(order_id).filled_quantity) == ("EXPIRED", 0)
    desk.assert_books_balance()


def test_an_armed_order_expires_here_and_gives_its_funds_back(desk):
    until = desk.market.bar_at + timedelta(minutes=1)
    order_id = desk.propose(type="stop", stop_price=D(51_000), time_in_force="GTD", expires_firm=until)
    desk.bar()
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("EXPIRED", 0)
    desk.assert_books_balance()


def test_post_only_that_would_take_is_rejected_by_the_venue_and_frees_its_funds(desk):
    order_id = desk.propose(type="limit", limit_price=D(50_006), post_only=True)
    desk.send(order_id)
    desk.bar()
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("REJECTED", 0)
    desk.assert_books_balance()
