"""Orders through the real ccxt at an exchange that fails: nothing is sent twice, nothing is lost. Real commits.

The exchange's own log of requests is the oracle. ``later`` lets our wall clock run ahead, so nothing waits.
"""

import random
import time
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.foundation.clock import wall_now
from apps.foundation.errors import RetryableFailure
from apps.foundation.models import OutboxEvent
from apps.trading.adapters import ccxt_venue
from apps.trading.models import Fill, ReconciliationBreak
from apps.trading.operations.books.take_fill import take_fill
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.orders.cancel_order import cancel_order
from apps.trading.ports import LeaseLost, VenueOrder
from tests.support.exchange_desk import ExchangeDesk
from tests.support.running_exchange import UNMETERED, RunningExchange
from tests.support.staged_market import stage_market

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
RESTING = {"type": "limit", "limit_price": D(49_000)}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RunningExchange(tmp_path_factory.mktemp("exchange"), level_value=5_000_000, **UNMETERED) as exchange:
        yield exchange


@pytest.fixture(params=["binance"])
def dialect(request):
    return request.param


@pytest.fixture
def desk(clean_redis, running, dialect):
    market = stage_market()
    market.bar()
    made = ExchangeDesk(market, running, dialect)
    yield made
    running.clear_faults()
    made.venue.close()


both = pytest.mark.parametrize("dialect", ["binance", "kraken"], indirect=True)


def incidents(kind):
    told = OutboxEvent.objects.filter(kind="incident.wanted").order_by("pk")
    return [event.payload for event in told if event.payload["kind"] == kind]


def cancel(desk, order_id):
    cancel_order(order_id=order_id, actor="tester", reason="test", moment=desk.moment())
    return send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())


@both
def test_a_market_order_is_filled_with_its_answer_and_sold_again(desk):
    bought = desk.sent()
    desk.poll()
    assert desk.order(bought).state == "FILLED"
    assert desk.creates(bought) == 1
    sold = desk.sent(side="sell", quantity="0.00399", reduce_only=True)
    desk.poll()
    assert desk.order(sold).state == "FILLED"
    desk.assert_agrees()


@both
def test_accepted_and_the_answer_lost_it_is_found_by_its_id(desk):
    desk.running.fault("reset", on="create")
    order_id = desk.sent(**RESTING)
    assert desk.order(order_id).state == "UNKNOWN"
    assert desk.order(order_id).reserved_left > 0
    desk.sweep(later=2)
    assert desk.states(order_id)[-2:] == ["UNKNOWN", "ACCEPTED"]
    assert desk.creates(order_id) == 1
    desk.assert_agrees()


@both
def test_never_executed_it_is_not_placed_only_after_life_and_lag_and_its_funds_come_back_once(desk):
    desk.running.fault("reset", on="create", executed=False)
    order_id = desk.sent(**RESTING)
    for later in (1, 2, 4, 8, 12):
        desk.sweep(later=later)
        assert (desk.order(order_id).state, desk.order(order_id).reserved_left > 0) == ("UNKNOWN", True)
    for later in (21, 25, 40):
        desk.sweep(later=later)
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("NOT_PLACED", 0)
    assert desk.creates(order_id) == 1
    desk.assert_agrees()


@both
def test_filled_at_once_and_the_answer_lost_it_is_found_though_it_is_not_open(desk):
    desk.running.fault("reset", on="create")
    order_id = desk.sent()
    assert desk.order(order_id).state == "UNKNOWN"
    desk.sweep(later=2)
    assert desk.order(order_id).state == "FILLED"
    assert desk.creates(order_id) == 1
    desk.assert_agrees()


def test_a_create_that_is_never_answered_is_unknown_after_the_time_limit(desk):
    desk.running.fault("timeout", on="create")
    order_id = desk.sent(**RESTING)
    assert desk.order(order_id).state == "UNKNOWN"
    desk.running.clear_faults()
    desk.sweep(later=2)
    assert desk.order(order_id).state == "ACCEPTED"
    assert desk.creates(order_id) == 1


def test_a_book_that_lags_is_no_proof_of_absence(desk):
    desk.running.fault("lag", on="create", seconds=3)
    desk.running.fault("reset", on="create")
    order_id = desk.sent(**RESTING)
    for later in (1, 2, 4, 8, 12):
        desk.sweep(later=later)
        assert desk.order(order_id).state in {"UNKNOWN", "ACCEPTED"}
    deadline = time.monotonic() + 8
    while desk.order(order_id).state == "UNKNOWN" and time.monotonic() < deadline:
        desk.sweep(later=13)
        time.sleep(0.1)
    assert desk.order(order_id).state == "ACCEPTED"
    assert desk.creates(order_id) == 1


def test_failed_questions_end_no_order(desk):
    order_id = desk.sent(**RESTING)
    lost = desk.propose(quantity="0.001", **RESTING)
    desk.running.fault("reset", on="create", executed=False)
    desk.send(lost)
    desk.running.fault("outage", seconds=60)
    for later in range(5, 600, 40):
        with pytest.raises(RetryableFailure):
            desk.poll(later)
        desk.sweep(later)
    assert [desk.order(each).state for each in (order_id, lost)] == ["ACCEPTED", "UNKNOWN"]
    desk.running.clear_faults()
    desk.poll(700)
    assert desk.order(order_id).state == "ACCEPTED"


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_busy_exchange_is_unknown_whether_it_did_it_or_not(desk, status, executed):
    desk.running.fault("status", on="create", status=status, executed=executed)
    order_id = desk.sent(**RESTING)
    assert desk.order(order_id).state == "UNKNOWN"
    time.sleep(1.1 if status == 429 else 0)  # the silence it asked for
    for later in (2, 10, 21, 45):
        desk.sweep(later)
    assert desk.order(order_id).state == ("ACCEPTED" if executed else "NOT_PLACED")
    assert desk.creates(order_id) == 1


@both
@pytest.mark.parametrize("kind", ["html", "nonsense"])
def test_nonsense_instead_of_an_answer_is_unknown_and_a_break(desk, kind):
    desk.running.fault(kind, on="create")
    order_id = desk.sent(**RESTING)
    state = desk.order(order_id).state
    assert state in {"UNKNOWN", "ACCEPTED"}, desk.order(order_id).state_note
    desk.running.clear_faults()
    if state == "UNKNOWN":
        assert ReconciliationBreak.objects.filter(kind="bad_answer", account_id=desk.name).count() == 1
        desk.sweep(2)
    assert desk.order(order_id).state == "ACCEPTED"
    assert desk.creates(order_id) == 1


@both
def test_a_duplicate_id_is_looked_up_not_sent_anew(desk):
    desk.running.fault("duplicate_client_id", on="create")
    order_id = desk.sent(**RESTING)
    assert desk.order(order_id).state == "ACCEPTED"
    assert desk.creates(order_id) == 1
    desk.assert_agrees()


@both
@pytest.mark.parametrize("seed", range(2))
def test_fills_by_stream_poll_and_replay_post_once(desk, seed):
    desk.open_stream()
    desk.running.fault("duplicate_event", on="stream", count=3)
    desk.running.fault("reorder_events", on="stream", count=2)
    desk.running.fault("partial_fill", on="create", share="0.3")
    order_id = desk.sent(**RESTING)
    desk.running.price("BTC/USDT", "48900")
    ways = [desk.listen, desk.poll, desk.collect, desk.collect, desk.listen]
    random.Random(seed).shuffle(ways)
    for way in ways:
        way()
    number = desk.order(order_id).venue_order_id
    fills = desk.venue.fills_of(symbol="BTC/USDT", venue_order_id=number) * 3
    random.Random(seed).shuffle(fills)
    posted = [take_fill(fill=fill, venue=desk.venue, moment=desk.moment()) for fill in fills]
    assert not any(posted)
    assert (desk.order(order_id).state, Fill.objects.count()) == ("FILLED", len(fills) / 3)
    desk.assert_agrees()


@both
def test_a_fill_may_come_by_the_stream_before_the_answer(desk):
    desk.open_stream()
    desk.running.fault("reset", on="create")
    desk.running.fault("drop_event", on="stream", event="new")
    order_id = desk.sent()
    desk.listen_until(lambda: desk.order(order_id).state == "FILLED")
    assert desk.order(order_id).venue_order_id, "the trade named it, and nothing else will"
    assert "ACCEPTED" not in desk.states(order_id) or desk.states(order_id)[-1] == "FILLED"
    desk.sweep(5)
    desk.assert_agrees()


def test_a_break_of_a_bad_answer_is_over_once_the_stream_told_of_the_order(desk):
    """Its look-up would have healed it, and is not needed any more."""
    desk.open_stream()
    desk.running.fault("html", on="create")
    order_id = desk.sent()
    broken = ReconciliationBreak.objects.get(order_id=order_id, kind="bad_answer")
    desk.listen_until(lambda: desk.order(order_id).state == "FILLED")
    desk.sweep()
    broken.refresh_from_db()
    assert (broken.state, broken.closed_wall is not None) == ("HEALED", True)


@both
def test_an_end_that_the_stream_tells_ends_the_order(desk):
    desk.open_stream()
    order_id = desk.sent(**RESTING)
    desk.running.control("POST", "faults", {"kind": "reset", "on": "cancel"})
    cancel(desk, order_id)  # its answer is lost
    desk.listen_until(lambda: desk.order(order_id).state == "CANCELED")
    assert desk.order(order_id).reserved_left == 0
    assert not ReconciliationBreak.objects.exists()
    desk.assert_agrees()


@both
def test_a_stop_limit_rests_at_the_venue_with_both_its_prices(desk):
    desk.sent()
    desk.poll()
    price, trigger = D(48_000), D(48_500)
    wish = VenueOrder(
        client_order_id=uuid4().hex,
        symbol="BTC/USDT",
        side="sell",
        type="stop_limit",
        quantity=D("0.001"),
        limit_price=price,
        stop_price=trigger,
        funds=None,
        time_in_force="GTC",
        post_only=False,
        reduce_only=True,
        valid_until=wall_now() + timedelta(seconds=10),
    )
    placed = desk.venue.submit(order=wish, moment=desk.moment())
    found = desk.venue.find(
        client_order_id=wish.client_order_id, symbol="BTC/USDT", venue_order_id=placed.venue_order_id
    )
    assert [(report.state, report.limit_price, report.quantity) for report in (placed, found)] == [
        ("OPEN", price, D("0.001"))
    ] * 2
    there = next(order for order in desk.running.books(desk.name)["orders"] if order["status"] == "new")
    assert (D(there["stop_price"]), D(there["price"])) == (trigger, price)
    desk.running.price("BTC/USDT", "48400")
    assert desk.venue.find(client_order_id=wish.client_order_id, symbol="BTC/USDT").state == "FILLED"


@both
def test_a_frame_that_is_dropped_is_found_by_the_poll(desk):
    desk.open_stream()
    order_id = desk.sent(**RESTING)
    desk.running.fault("drop_event", on="stream", count=10)
    desk.running.price("BTC/USDT", "48900")
    desk.listen()
    assert desk.order(order_id).state == "ACCEPTED"
    desk.poll()
    assert desk.order(order_id).state == "FILLED"
    desk.assert_agrees()


@both
def test_a_cancel_without_an_answer_stays_pending_until_the_exchange_says_so(desk):
    order_id = desk.sent(**RESTING)
    desk.running.fault("reset", on="cancel", executed=False)
    assert not cancel(desk, order_id)
    assert desk.order(order_id).state == "PENDING_CANCEL"
    assert desk.order(order_id).reserved_left > 0
    desk.sweep(5)
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("CANCELED", 0)
    desk.assert_agrees()


def test_cancels_again_and_of_a_filled_order_do_no_harm(desk):
    order_id = desk.sent(**RESTING)
    desk.running.price("BTC/USDT", "48900")
    cancel(desk, order_id)
    assert desk.order(order_id).state == "FILLED"
    assert not send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    desk.assert_agrees()


def test_a_trade_after_the_cancellation_is_posted_with_an_incident(desk):
    order_id = desk.sent(**RESTING)
    desk.collect()
    desk.running.fault("late_fill", on="cancel", seconds=0.3)
    cancel(desk, order_id)
    assert desk.order(order_id).state == "CANCELED"
    deadline = time.monotonic() + 5
    while not Fill.objects.exists() and time.monotonic() < deadline:
        desk.collect()
        time.sleep(0.1)
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity) == ("CANCELED", order.quantity)
    assert len(incidents("late_fill")) == 1
    desk.assert_agrees()


def test_a_trade_of_an_order_that_was_given_up_is_posted_with_an_incident(desk):
    desk.running.fault("lag", on="create", seconds=5)
    desk.running.fault("reset", on="create")
    order_id = desk.sent(**RESTING)
    desk.collect()
    for later in (2, 10, 21, 45):
        desk.sweep(later)
    assert desk.order(order_id).state == "NOT_PLACED"
    client_order_id, deadline = desk.order(order_id).client_order_id, time.monotonic() + 10
    while desk.venue.find(client_order_id=client_order_id, symbol="BTC/USDT") is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    desk.running.price("BTC/USDT", "48900")
    desk.collect()
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity) == ("NOT_PLACED", order.quantity)
    assert len(incidents("late_fill")) == 1
    assert desk.held() > 0


def test_an_exchange_with_another_clock_is_followed(desk):
    desk.running.fault("clock_skew", seconds=30)
    first = desk.sent(**RESTING)
    assert desk.order(first).state == "REJECTED"
    assert desk.order(first).reject_code == "venue_clock_skew"
    second = desk.sent(**RESTING)
    assert desk.order(second).state == "ACCEPTED", "the clock is measured again after a refused time stamp"
    desk.running.fault("clock_skew", seconds=0)
    desk.venue.clock_offset()


def test_new_rules_of_the_exchange_refuse_the_order_and_are_read(desk, monkeypatch):
    desk.running.fault("filter_change", symbol="BTC/USDT", step_size="0.001", min_quantity="0.001")
    first, second = [desk.sent(quantity="0.0005", **RESTING) for _ in range(2)]
    desk.running.fault("filter_change", symbol="BTC/USDT", step_size="0.00001", min_quantity="0.00001")
    for order_id, creates in ((first, 1), (second, 0)):
        order = desk.order(order_id)
        assert (order.state, order.reject_code, desk.creates(order_id)) == ("REJECTED", "venue_bad_quantity", creates)
    monkeypatch.setattr(ccxt_venue, "RULES_HOLD", timedelta(0))
    third = desk.sent(quantity="0.0005", **RESTING)
    assert desk.order(third).state == "ACCEPTED", "by rules that are not fresh nothing is refused: they are read again"


@both
@pytest.mark.parametrize("looks", [0, 1])
def test_a_request_whose_sender_stops_leading_is_not_signed_or_not_written(desk, looks):
    """Asked once before it is signed, once when the connection stands: by then the lease may be another's."""
    asked = []
    order = VenueOrder(
        client_order_id=uuid4().hex,
        symbol="BTC/USDT",
        side="buy",
        type="limit",
        quantity=D("0.001"),
        limit_price=D(49_000),
        funds=None,
        time_in_force="GTC",
        post_only=False,
        reduce_only=False,
        valid_until=wall_now() + timedelta(seconds=30),
        may_leave=lambda: asked.append(1) or len(asked) <= looks,
    )
    with pytest.raises(LeaseLost):
        desk.venue.submit(order=order, moment=desk.moment())
    assert len(asked) == looks + 1
    assert desk.venue.find(client_order_id=order.client_order_id, symbol="BTC/USDT") is None
