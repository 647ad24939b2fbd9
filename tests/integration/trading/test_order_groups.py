"""OCO and bracket: one exit ends the other, units are reserved once, nothing is ever sold twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.errors import Conflict, Refused
from apps.foundation.models import OutboxEvent
from apps.trading.models import Order
from apps.trading.operations.orders.amend_order import amend_order
from apps.trading.operations.orders.cancel_order import cancel_order
from apps.trading.operations.risk.halt_trading import halt_trading
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def oco(desk, quantity="0.004", above=50_500, below=49_800):
    order_id = desk.propose(
        side="sell", type="oco", quantity=quantity, take_profit_price=D(above), stop_loss_price=D(below)
    )
    desk.send(order_id)
    return order_id


def bracket(desk, quantity="0.004", above=50_500, below=49_800, **entry):
    order_id = desk.propose(
        type="bracket", quantity=quantity, take_profit_price=D(above), stop_loss_price=D(below), **entry
    )
    desk.send(order_id)
    return order_id


def legs(desk, order_id):
    group = desk.order(order_id).group
    found = {order.role: order for order in group.orders.order_by("proposed_wall")}
    return found["take_profit"], found["stop_loss"]


def covered(desk):
    alive = Order.objects.filter(is_protective=True).exclude(state__in=["FILLED", "CANCELED", "REJECTED", "EXPIRED"])
    return sum(order.quantity - order.filled_quantity for order in alive)


def incidents():
    return list(OutboxEvent.objects.filter(kind="incident.wanted").values_list("payload__kind", flat=True))


def test_an_oco_reserves_its_units_once_and_its_stop_is_the_protection(desk):
    desk.buy()
    order_id = oco(desk, "0.003")
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.type, take_profit.state, take_profit.reserved_left) == ("limit", "ACCEPTED", D("0.003"))
    assert (stop_loss.state, stop_loss.reserved_left, stop_loss.is_protective) == ("ARMED", 0, True)
    armed = {(stop.group_id is None, stop.quantity) for stop in desk.stops() if stop.state == "ARMED"}
    assert armed == {(False, D("0.003")), (True, D("0.001"))}
    desk.bar()
    assert covered(desk) == D("0.004")
    assert incidents() == []
    desk.assert_books_balance()


def test_a_filled_take_profit_ends_the_stop_in_the_same_transaction(desk):
    desk.buy()
    order_id = oco(desk)
    desk.market.bar(BTC=(50_000, 50_600, 50_000, 50_550))
    desk.match()
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, take_profit.average_price) == ("FILLED", 50_500)
    assert stop_loss.state == "CANCELED"
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_partly_filled_take_profit_lessens_the_stop(desk):
    desk.buy()
    order_id = oco(desk)
    desk.bar(BTC=(50_000, 50_600, 50_000, 50_550, "0.01"))
    take_profit, stop_loss = legs(desk, order_id)
    assert take_profit.filled_quantity == D("0.001")
    assert stop_loss.quantity == D("0.003") == covered(desk)
    desk.bar(BTC=(50_400, 50_450, 49_700, 49_700))
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state) == ("PENDING_CANCEL", "ARMED")
    desk.sweep(later=3)
    assert legs(desk, order_id)[0].state == "CANCELED"
    desk.guard()
    desk.sweep()
    desk.bar()
    take_profit, stop_loss = legs(desk, order_id)
    assert (stop_loss.state, stop_loss.filled_quantity) == ("FILLED", D("0.003"))
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_take_profit_that_fills_while_it_is_cancelled_leaves_nothing_for_the_stop(desk):
    desk.buy(quantity="0.002")
    desk.buy(quantity="0.002")
    order_id = oco(desk, "0.002")
    desk.bar(BTC=(50_000, 50_450, 49_700, 50_400))
    assert legs(desk, order_id)[0].state == "PENDING_CANCEL"
    desk.market.bar(BTC=(50_400, 50_600, 50_400, 50_600))
    desk.match()
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state, stop_loss.filled_quantity) == ("FILLED", "CANCELED", 0)
    assert desk.position().quantity == D("0.002") == covered(desk)
    desk.assert_books_balance()


def test_the_stop_of_an_oco_fires_in_a_halt_too(desk):
    desk.buy()
    oco(desk)
    halt_trading(actor="tester", reason="test", flatten=False, moment=desk.moment())
    desk.sweep(later=3)
    desk.bar(BTC=(50_000, 50_000, 49_700, 49_700))
    desk.sweep(later=3)
    desk.guard()
    desk.sweep()
    desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_units_that_have_exits_already_get_no_second_pair(desk):
    desk.buy()
    oco(desk, "0.003")
    with pytest.raises(Conflict) as refused:
        oco(desk, "0.002")
    assert (refused.value.code, refused.value.field) == ("units_in_another_group", "quantity")


def test_exits_on_the_wrong_side_of_the_mark_are_named(desk):
    desk.buy()
    with pytest.raises(Refused) as refused:
        oco(desk, above=49_900, below=49_800)
    assert (refused.value.code, refused.value.field) == ("stop_on_wrong_side", "take_profit_price")
    with pytest.raises(Refused) as refused:
        oco(desk, below="49800.001")
    assert (refused.value.code, refused.value.field) == ("off_tick", "stop_loss_price")


def test_a_bracket_arms_its_exits_with_its_fill_and_they_are_the_protection(desk):
    order_id = bracket(desk)
    assert desk.order(order_id).group.orders.count() == 1
    desk.bar()
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, take_profit.type, take_profit.reserved_left) == ("ARMED", "take_profit", 0)
    assert (stop_loss.state, stop_loss.stop_price, stop_loss.quantity) == ("ARMED", 49_800, D("0.004"))
    assert [stop.group_id for stop in desk.stops() if stop.state == "ARMED"] == [stop_loss.group_id]
    desk.assert_books_balance()


def test_the_exits_of_a_bracket_grow_with_each_partial_fill(desk):
    order_id = bracket(desk)
    thin = (50_000, 50_000, 50_000, 50_000, "0.01")
    for bars in (1, 2, 3):
        desk.bar(BTC=thin)
        take_profit, stop_loss = legs(desk, order_id)
        assert take_profit.quantity == stop_loss.quantity == D("0.001") * bars == covered(desk)
    assert incidents() == []
    desk.assert_books_balance()


def test_a_bracket_takes_its_profit_and_ends_its_stop(desk):
    order_id = bracket(desk)
    desk.bar()
    desk.bar(BTC=(50_000, 50_500, 50_000, 50_490))
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state) == ("ACCEPTED", "ARMED")
    desk.bar(BTC=(50_520, 50_600, 50_510, 50_600))
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state) == ("FILLED", "CANCELED")
    assert take_profit.average_price >= 50_500
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_bracket_that_is_stopped_out_sells_once_and_ends_its_profit(desk):
    order_id = bracket(desk)
    desk.bar()
    desk.bar(BTC=(50_000, 50_000, 49_790, 49_790))
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state) == ("CANCELED", "ACCEPTED")
    desk.bar()
    assert desk.position().quantity == 0
    assert legs(desk, order_id)[1].state == "FILLED"
    desk.assert_books_balance()


def test_inside_one_bar_the_stop_comes_before_the_profit(desk):
    order_id = bracket(desk)
    desk.bar()
    desk.bar(BTC=(50_000, 50_600, 49_700, 50_000))
    take_profit, stop_loss = legs(desk, order_id)
    assert (take_profit.state, stop_loss.state) == ("CANCELED", "ACCEPTED")


def test_an_exit_that_fires_takes_the_rest_of_the_entry_back(desk):
    order_id = bracket(desk)
    desk.bar(BTC=(50_000, 50_000, 50_000, 50_000, "0.01"))
    desk.bar(BTC=(50_000, 50_000, 49_790, 49_790, "0.01"))
    assert desk.order(order_id).state == "PENDING_CANCEL"
    desk.sweep(later=3)
    for _ in range(6):
        desk.bar()
        desk.sweep(later=3)
    assert desk.order(order_id).state == "CANCELED"
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_bracket_whose_entry_is_cancelled_unfilled_leaves_nothing(desk):
    order_id = bracket(desk, limit_price=D(49_900), below=49_000)
    cancel_order(order_id=order_id, actor="tester", reason="", moment=desk.moment())
    desk.sweep(later=3)
    assert desk.order(order_id).state == "CANCELED"
    assert desk.order(order_id).group.orders.count() == 1
    desk.assert_books_balance()


def test_selling_by_hand_shrinks_the_exits_and_closing_ends_them(desk):
    order_id = bracket(desk)
    desk.bar()
    sold = desk.propose(side="sell", quantity="0.001", reduce_only=True)
    desk.send(sold)
    desk.bar()
    take_profit, stop_loss = legs(desk, order_id)
    assert take_profit.quantity == stop_loss.quantity == D("0.003") == covered(desk)
    sold = desk.propose(side="sell", quantity="0.003", reduce_only=True)
    desk.send(sold)
    desk.bar()
    assert [order.state for order in legs(desk, order_id)] == ["CANCELED", "CANCELED"]
    desk.assert_books_balance()


def test_cancelling_an_exit_ends_both_and_the_guards_own_stop_takes_over_at_once(desk):
    order_id = bracket(desk)
    desk.bar()
    _, stop_loss = legs(desk, order_id)
    cancel_order(order_id=stop_loss.pk, actor="tester", reason="", moment=desk.moment())
    assert [order.state for order in legs(desk, order_id)] == ["CANCELED", "CANCELED"]
    assert covered(desk) == desk.position().quantity
    desk.bar()
    assert incidents() == []
    desk.assert_books_balance()


def test_a_stop_loss_that_the_venue_ends_unfilled_is_armed_again_in_its_group(desk):
    order_id = bracket(desk)
    desk.bar()
    desk.bar(BTC=(50_000, 50_000, 49_790, 49_790))
    _, fired = legs(desk, order_id)
    desk.venue.cancel(client_order_id=fired.client_order_id, symbol=fired.symbol, moment=desk.moment())
    desk.bar(BTC=(49_790, 49_790, 49_780, 49_785))
    again = desk.order(order_id).group.orders.filter(role="stop_loss").order_by("-proposed_firm").first()
    assert again.pk != fired.pk
    assert again.quantity == desk.position().quantity == covered(desk)
    for _ in range(3):
        desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_the_exits_of_an_oco_end_at_its_date_and_the_guards_stop_takes_over(desk):
    desk.buy()
    until = desk.market.bar_at + timedelta(minutes=1)
    order_id = desk.propose(
        side="sell",
        type="oco",
        take_profit_price=D(50_500),
        stop_loss_price=D(49_800),
        time_in_force="GTD",
        expires_firm=until,
    )
    desk.send(order_id)
    desk.bar()
    desk.sweep(later=3)
    assert [order.state for order in legs(desk, order_id)] == ["EXPIRED", "EXPIRED"]
    assert covered(desk) == D("0.004")
    desk.bar()
    assert incidents() == []
    desk.assert_books_balance()


def test_what_an_exit_can_not_become_is_refused_by_name(desk):
    desk.buy()
    order_id = oco(desk)
    for changes, code in (({"quantity": D("0.009")}, "not_amendable"), ({"limit_price": D(49_000)}, "exits_crossed")):
        with pytest.raises(Refused) as refused:
            amend_order(order_id=order_id, changes=changes, actor="tester", reason="", moment=desk.moment())
        assert refused.value.code == code
    amend_order(order_id=order_id, changes={"limit_price": D(50_600)}, actor="tester", reason="", moment=desk.moment())
    assert desk.order(order_id).group.take_profit_price == 50_600
