"""Amend by replace: linked rows, never two at work at once, refused where nobody knows."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from apps.foundation.errors import Conflict, OutcomeUnknown, Refused
from apps.trading.models import Order
from apps.trading.operations.orders.amend_order import amend_order
from apps.trading.operations.orders.cancel_order import cancel_order
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def amend(desk, order_id, **changes):
    view = amend_order(order_id=order_id, changes=changes, actor="tester", reason="", moment=desk.moment())
    return view["id"]


def refusal(desk, order_id, **changes):
    with pytest.raises(Refused) as refused:
        amend(desk, order_id, **changes)
    return refused.value.code


def test_an_armed_order_is_replaced_in_one_step_and_its_funds_move_along(desk):
    old = desk.propose(type="stop", stop_price=D(50_500))
    new = amend(desk, old, stop_price=D(50_400), quantity=D("0.002"))
    assert (desk.order(old).state, desk.order(old).reserved_left) == ("CANCELED", 0)
    row = desk.order(new)
    assert (row.state, row.stop_price, row.quantity, str(row.replaces_id)) == ("ARMED", 50_400, D("0.002"), old)
    assert row.reserved_left > 0
    desk.assert_books_balance()


def test_an_order_at_the_venue_is_replaced_once_its_end_is_proven(desk):
    old = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(old)
    new = amend(desk, old, limit_price=D(49_600))
    assert (desk.order(old).state, desk.order(new).state) == ("PENDING_CANCEL", "PROPOSED")
    assert not desk.send(new), "the new one must not be sent while the old one may still trade"
    desk.sweep(later=3)
    assert desk.order(old).state == "CANCELED"
    desk.sweep(later=6)
    assert desk.order(new).state in {"APPROVED", "ACCEPTED"}
    desk.sweep(later=9)
    assert desk.order(new).state == "ACCEPTED"
    assert desk.order(new).limit_price == 49_600
    assert [report.client_order_id for report in desk.venue.open_orders()] == [desk.order(new).client_order_id]
    desk.assert_books_balance()


def test_what_filled_meanwhile_is_taken_off_the_new_order(desk):
    old = desk.propose(type="limit", limit_price=D(49_900))
    desk.send(old)
    new = amend(desk, old, limit_price=D(49_950))
    desk.market.bar(BTC=(50_000, 50_000, 49_800, 49_960, "0.01"))
    desk.match()
    desk.sweep(later=3)
    desk.sweep(later=6)
    assert desk.order(old).filled_quantity == D("0.001")
    assert desk.order(new).quantity == D("0.003")
    desk.assert_books_balance()


def test_an_order_that_fills_before_it_is_replaced_leaves_nothing_to_send(desk):
    old = desk.propose(type="limit", limit_price=D(49_900))
    desk.send(old)
    new = amend(desk, old, limit_price=D(49_950))
    desk.market.bar(BTC=(50_000, 50_000, 49_800, 49_960))
    desk.match()
    desk.sweep(later=3)
    assert (desk.order(old).state, desk.order(new).state) == ("FILLED", "DENIED")
    assert desk.order(new).reject_code == "replaced_order_filled"
    desk.assert_books_balance()


def test_the_database_refuses_a_replacement_beside_a_living_order(desk):
    old = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(old)
    new = amend(desk, old, limit_price=D(49_600))
    with pytest.raises(IntegrityError, match="still lives"), transaction.atomic():
        Order.objects.filter(pk=new).update(state="APPROVED", state_note="by force")


def test_a_denied_amendment_leaves_the_order_as_it_was(desk):
    order_id = desk.propose(type="limit", limit_price=D(49_500))
    assert refusal(desk, order_id, limit_price=D(60_000)) == "amend_denied"
    order = desk.order(order_id)
    assert (order.state, order.limit_price) == ("APPROVED", 49_500)
    assert order.reserved_left > 0
    assert Order.objects.filter(replaces=order_id).count() == 0
    desk.assert_books_balance()


def test_an_order_of_unknown_outcome_is_not_amended(desk):
    desk.venue.before_submit = OutcomeUnknown("no answer")
    order_id = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(order_id)
    assert desk.order(order_id).state == "UNKNOWN"
    assert refusal(desk, order_id, limit_price=D(49_600)) == "outcome_unknown"


def test_refusals_name_what_is_in_the_way(desk):
    filled = desk.buy(quantity="0.002")
    assert refusal(desk, filled, quantity=D("0.003")) == "order_finished"
    (guards,) = (stop.pk for stop in desk.stops())
    assert refusal(desk, guards, stop_price=D(1)) == "protective_stop"
    working = desk.propose(type="limit", limit_price=D(49_500), quantity="0.002")
    desk.send(working)
    assert refusal(desk, working, limit_price=D(49_500)) == "nothing_changed"
    assert refusal(desk, working, stop_price=D(49_000)) == "not_applicable"
    new = amend(desk, working, limit_price=D(49_400))
    assert refusal(desk, working, limit_price=D(49_300)) == "cancel_pending"
    assert refusal(desk, new, limit_price=D(49_300)) == "replacement_waits"


def test_cancelling_withdraws_the_order_that_waited_too(desk):
    old = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(old)
    new = amend(desk, old, limit_price=D(49_600))
    cancel_order(order_id=new, actor="tester", reason="", moment=desk.moment())
    desk.sweep(later=3)
    desk.sweep(later=6)
    assert (desk.order(old).state, desk.order(new).state) == ("CANCELED", "DENIED")
    assert desk.order(new).reject_code == "withdrawn"
    desk.assert_books_balance()


def test_a_trailing_stop_keeps_its_best_price_when_its_size_changes(desk):
    desk.buy()
    old = desk.propose(side="sell", type="trailing_stop", trail_pct=D(1), quantity="0.004", reduce_only=True)
    desk.bar(BTC=(50_000, 50_400, 49_990, 50_300))
    new = amend(desk, old, quantity=D("0.002"))
    assert (desk.order(new).trail_extreme, desk.order(new).stop_price) == (50_400, 49_896)
    desk.assert_books_balance()


def test_the_exits_of_a_bracket_are_moved_and_stay_the_protection(desk):
    entry = desk.propose(type="bracket", take_profit_price=D(50_500), stop_loss_price=D(49_800))
    desk.send(entry)
    desk.bar()
    stop = next(stop for stop in desk.stops() if stop.role == "stop_loss")
    new = amend(desk, stop.pk, stop_price=D(49_900))
    assert (desk.order(stop.pk).state, desk.order(new).state) == ("CANCELED", "ARMED")
    assert (desk.order(new).stop_price, desk.order(new).is_protective) == (49_900, True)
    assert refusal(desk, new, stop_price=D(50_100)) == "stop_on_wrong_side"
    assert refusal(desk, new, quantity=D("0.001")) == "not_amendable"
    desk.bar(BTC=(50_000, 50_000, 49_890, 49_890))
    desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_the_working_take_profit_of_an_oco_is_replaced_and_the_stop_stays_armed(desk):
    desk.buy()
    old = desk.propose(side="sell", type="oco", take_profit_price=D(50_500), stop_loss_price=D(49_800))
    desk.send(old)
    new = amend(desk, old, limit_price=D(50_300))
    for later in (3, 6, 9):
        desk.sweep(later=later)
        assert sum(stop.quantity for stop in desk.stops() if stop.state == "ARMED") == D("0.004")
    assert desk.order(new).state == "ACCEPTED"
    desk.market.bar(BTC=(50_000, 50_400, 50_000, 50_350))
    desk.match()
    assert desk.order(new).state == "FILLED"
    assert desk.position().quantity == 0
    assert [stop.state for stop in desk.stops() if stop.role] == ["CANCELED"]
    desk.assert_books_balance()


def test_conflicts_carry_the_state(desk):
    order_id = desk.buy(quantity="0.002")
    with pytest.raises(Conflict) as conflict:
        amend(desk, order_id, quantity=D("0.003"))
    assert conflict.value.facts["state"] == "FILLED"
