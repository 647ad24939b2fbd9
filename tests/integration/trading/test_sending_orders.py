"""An order is sent at most once and never lost, whatever dies or is redelivered. Real commits."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection

from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.trading.models import Fill, OrderTransition, PaperOrder, UnknownLookup
from tests.support.trading_desk import Killed, open_desk

pytestmark = pytest.mark.django_db(transaction=True)
# The package has the operations under the names of their modules.
apply_fill_module = import_module("apps.trading.operations.books.apply_fill")
collect_fills_module = import_module("apps.trading.operations.books.collect_fills")
submit_order_module = import_module("apps.trading.operations.execution.submit_order")


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def states(order_id):
    return list(OrderTransition.objects.filter(order_id=order_id).order_by("pk").values_list("to_state", flat=True))


def test_an_order_goes_from_approval_to_fill_and_the_books_balance(desk):
    order_id = desk.buy()
    assert states(order_id) == ["PROPOSED", "APPROVED", "SUBMITTING", "ACCEPTED", "FILLED"]
    order = desk.order(order_id)
    assert order.reserved_left == 0
    assert desk.position().quantity == order.filled_quantity == order.quantity
    assert desk.position().average_price == order.average_price
    desk.assert_books_balance()


def test_a_redelivered_task_sends_nothing(desk):
    order_id = desk.propose()
    assert [desk.send(order_id) for _ in range(3)] == [True, False, False]
    assert list(desk.venue.sent.values()) == [1]


def test_two_workers_at_once_send_once(desk):
    order_ids = [desk.propose(quantity="0.001") for _ in range(4)]

    def work(order_id):
        try:
            return desk.send(order_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(work, [order_id for order_id in order_ids for _ in range(4)]))
    assert sum(claims) == len(order_ids)
    assert sorted(desk.venue.sent.values()) == [1, 1, 1, 1]


def test_a_forgotten_approval_is_sent_by_the_sweep_after_two_seconds(desk):
    order_id = desk.propose()
    assert desk.sweep(later=1) == 0
    assert desk.sweep(later=3) == 1
    assert desk.order(order_id).state == "ACCEPTED"


def test_killed_before_sending_it_ends_not_placed_and_gives_the_funds_back(desk):
    order_id = desk.propose()
    desk.venue.before_submit = Killed()
    with pytest.raises(Killed):
        desk.send(order_id)
    assert desk.order(order_id).state == "SUBMITTING"
    assert desk.order(order_id).reserved_left > 0
    desk.venue.before_submit = None
    for later in (1, 6, 12, 20, 40):
        desk.sweep(later=later)
    assert states(order_id)[-3:] == ["SUBMITTING", "UNKNOWN", "NOT_PLACED"]
    assert desk.order(order_id).reserved_left == 0
    assert list(desk.venue.sent.values()) == [1]
    assert not PaperOrder.objects.exists()
    desk.assert_books_balance()


def test_killed_after_the_venue_took_it_it_is_found_and_filled_once(desk):
    order_id = desk.propose()
    desk.venue.after_submit = Killed()
    with pytest.raises(Killed):
        desk.send(order_id)
    desk.venue.after_submit = None
    desk.sweep(later=6)
    assert states(order_id)[-3:] == ["SUBMITTING", "UNKNOWN", "ACCEPTED"]
    desk.bar()
    assert desk.order(order_id).state == "FILLED"
    assert list(desk.venue.sent.values()) == [1]
    assert PaperOrder.objects.count() == 1
    desk.assert_books_balance()


def test_killed_before_the_answer_is_recorded_a_fill_may_come_first(desk, monkeypatch):
    order_id = desk.propose()
    monkeypatch.setattr(submit_order_module, "take_venue_report", _dies)
    with pytest.raises(Killed):
        desk.send(order_id)
    monkeypatch.undo()
    desk.bar()
    order = desk.order(order_id)
    assert states(order_id)[-2:] == ["SUBMITTING", "FILLED"]
    assert order.filled_quantity == order.quantity
    desk.sweep(later=60)
    assert desk.order(order_id).state == "FILLED"
    desk.assert_books_balance()


@pytest.mark.parametrize("where", ["before the fill", "inside the fill", "before the watermark"])
def test_killed_while_a_fill_is_taken_in_the_next_step_takes_it_once(desk, monkeypatch, where):
    order_id = desk.propose()
    desk.send(order_id)
    desk.market.bar()
    if where == "before the fill":
        monkeypatch.setattr(collect_fills_module, "take_fills", _dies)
    elif where == "inside the fill":
        monkeypatch.setattr(apply_fill_module, "cover_position", _dies)
    else:
        real = collect_fills_module.take_fills
        monkeypatch.setattr(collect_fills_module, "take_fills", lambda **given: _dies(real(**given)))
    with pytest.raises(Killed):
        desk.match()
    monkeypatch.undo()
    assert Fill.objects.count() == (1 if where == "before the watermark" else 0)
    desk.match()
    desk.bar()
    assert Fill.objects.count() == 1
    assert desk.order(order_id).state == "FILLED"
    desk.assert_books_balance()


def test_an_unknown_outcome_keeps_its_funds_until_the_venue_answers_more_than_once(desk, monkeypatch):
    order_id = desk.propose()
    desk.venue.before_submit = OutcomeUnknown("Read timed out.")
    desk.send(order_id)
    desk.venue.before_submit = None
    assert desk.order(order_id).state == "UNKNOWN"
    desk.sweep(later=3)
    assert UnknownLookup.objects.get().negative_answers == 1
    assert desk.order(order_id).state == "UNKNOWN"
    assert desk.order(order_id).reserved_left > 0
    desk.sweep(later=3)
    assert UnknownLookup.objects.get().negative_answers == 1, "asked again before the wait was over"
    desk.sweep(later=30)
    assert desk.order(order_id).state == "NOT_PLACED"
    desk.assert_books_balance()


def test_a_failed_look_up_is_no_evidence(desk, monkeypatch):
    order_id = desk.propose()
    desk.venue.before_submit = OutcomeUnknown("Read timed out.")
    desk.send(order_id)

    def away(**_):
        raise RetryableFailure("The venue is away.")

    monkeypatch.setattr(desk.venue, "find", away)
    for later in range(5, 600, 30):
        desk.sweep(later=later)
    assert desk.order(order_id).state == "UNKNOWN"
    assert not UnknownLookup.objects.exists()


def test_a_lost_answer_about_a_taken_order_is_found_by_its_client_id(desk):
    order_id = desk.propose()
    desk.venue.after_submit = OutcomeUnknown("Connection reset.")
    desk.send(order_id)
    desk.venue.after_submit = None
    assert desk.order(order_id).state == "UNKNOWN"
    desk.bar()  # it fills while nobody knows of it
    assert desk.order(order_id).state == "FILLED"
    desk.assert_books_balance()


def test_a_refusal_ends_the_order_and_gives_the_funds_back(desk):
    order_id = desk.propose(quantity="0.0001")  # worth 5 when approved
    desk.market.bar(BTC=(50_000, 50_000, 45_000, 45_000))
    desk.send(order_id)
    order = desk.order(order_id)
    assert (order.state, order.reject_code, order.reserved_left) == ("REJECTED", "venue_min_notional", 0)
    desk.assert_books_balance()


def test_a_sender_that_was_frozen_until_its_order_was_given_up_places_nothing(desk, monkeypatch):
    order_id = desk.propose()
    real = desk.venue.submit

    def frozen(*, order, moment):
        for later in (6, 12, 20, 40):
            desk.sweep(later=later)
        late = replace(order, valid_until=moment.wall - timedelta(seconds=1))
        return real(order=late, moment=moment)

    monkeypatch.setattr(desk.venue, "submit", frozen)
    desk.send(order_id)
    assert desk.order(order_id).state == "NOT_PLACED"
    assert not PaperOrder.objects.exists()
    desk.assert_books_balance()


def _dies(*_, **__):
    raise Killed
