"""An exchange of another make behind the real ccxt: other lists, other times, other faults. Nothing lost or doubled."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.trading.models import Order, ReconciliationBreak
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.books.verify_books import verify_books
from apps.trading.operations.execution.record_venue_answer import record_clock_offset
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.orders.cancel_order import cancel_order
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account
from tests.support.exchange_desk import CAPITAL, ExchangeDesk
from tests.support.leading import lead
from tests.support.other_exchange import OtherExchange, other_venue
from tests.support.staged_market import stage_market

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
RESTING = {"type": "limit", "limit_price": D(49_000)}
CREATE = "POST /orders"


class OtherDesk(ExchangeDesk):
    """The same desk; its oracle is the memory of the other exchange."""

    def __init__(self, market, world, address):
        self.market, self.world, self.name = market, world, "other"
        self.venue = other_venue(address, account=self.name, firm_time=lambda _: market.moment.firm)
        open_portfolio(currency="USDT", capital=CAPITAL, moment=market.moment, account=self.name, venue="simulated")
        record_clock_offset(account=self.name, offset=self.venue.clock_offset(), moment=market.moment)
        assert reconcile_account(venue=self.venue, moment=market.moment).passed
        self.term = lead()

    def creates(self, order_id):
        return self.world.creates.count(self.order(order_id).client_order_id)

    def cancel(self, order_id):
        cancel_order(order_id=order_id, actor="tester", reason="test", moment=self.moment())
        return send_cancel(order_id=order_id, venue=self.venue, term=self.term, moment=self.moment())

    def come_to_rest(self):
        """Let the wall clock run ahead until nothing is on its way; each look is one that the loops would take."""
        for later in (2, 8, 16, 32, 64, 90, 130, 190):
            self.sweep(later)
            self.poll(later)
            self.collect()
            reconcile_account(venue=self.venue, moment=self.moment(later))

    def assert_agrees(self):
        report = verify_books()
        assert report.ok, report.problems
        there = {each.wish.get("client_oid"): each for each in self.world.orders.values()}
        ours = {row.client_order_id: row for row in Order.objects.filter(account_id=self.name)}
        assert set(there) <= set(ours), "an order there that our books don't know"
        assert len(self.world.creates) == len(set(self.world.creates)), "an order was sent twice"
        filled = {name: each.filled_quantity for name, each in ours.items() if each.filled_quantity}
        assert filled == {name: each.filled for name, each in there.items() if each.filled}
        open_here = {name for name, each in ours.items() if each.state in {"ACCEPTED", "PARTIALLY_FILLED"}}
        assert open_here == {name for name, each in there.items() if not each.done}
        assert self.held() == self.world.free["BTC"] + sum(
            each.size for each in there.values() if not each.done and each.wish["side"] == "sell"
        )
        assert reconcile_account(venue=self.venue, moment=self.moment(300)).passed
        assert not ReconciliationBreak.objects.filter(kind="balance_gap").exists()


@pytest.fixture
def world():
    return OtherExchange({"USDT": str(CAPITAL)})


@pytest.fixture
def desk(clean_redis, world):
    market = stage_market()
    market.bar()
    with world.serving() as address:
        made = OtherDesk(market, world, address)
        yield made
        made.venue.close()


@pytest.mark.parametrize(
    "fault", ["lost", "half", (500, {"message": "oops"}, True), (404, {"message": "NotFound"}, True)]
)
def test_an_order_that_was_taken_is_found_whatever_was_answered(desk, world, fault):
    world.faults[CREATE] = [fault]
    order = desk.sent(**RESTING)
    assert desk.order(order).state == "UNKNOWN"
    desk.sweep(later=1)
    assert (desk.order(order).state, desk.creates(order)) == ("ACCEPTED", 1)
    assert desk.cancel(order)
    assert desk.order(order).state == "CANCELED"
    desk.assert_agrees()


def test_one_that_never_arrived_gives_its_funds_back_after_enough_answers(desk, world):
    world.faults[CREATE] = ["cut"]
    order = desk.sent(**RESTING)
    for later in (1, 20, 40):
        desk.sweep(later)
        assert desk.order(order).state == "UNKNOWN"
    desk.sweep(later=80)
    assert desk.order(order).state == "NOT_PLACED"
    desk.assert_agrees()


def test_an_exchange_whose_lists_name_no_ids_never_proves_that_an_order_is_not_there(desk, world):
    world.faults[CREATE] = ["lost"]
    world.names_ids = False
    order = desk.sent(**RESTING)
    for later in (1, 20, 40, 80, 160, 320):
        desk.sweep(later)
    unknown = desk.order(order)
    assert (unknown.state, desk.creates(order)) == ("UNKNOWN", 1)
    assert unknown.reserved_left > 0
    world.names_ids = True
    desk.sweep(later=640)
    assert desk.order(order).state == "ACCEPTED"


def test_done_before_it_was_filled_is_an_end_with_what_was_traded(desk, world):
    world.shares = [D("0.5")]
    order = desk.sent()
    desk.poll()
    ended = desk.order(order)
    assert (ended.state, ended.filled_quantity, ended.reserved_left) == ("CANCELED", D("0.002"), 0)
    desk.assert_agrees()


def test_lists_that_are_cut_short_and_rounded_to_seconds_are_read_whole(desk, world):
    world.rounded_to = 1
    orders = []
    for _ in range(12):
        orders.append(desk.sent(quantity="0.0004"))
        desk.poll()
    world.rows = 4
    since = desk.moment().wall - timedelta(minutes=10)  # however long the orders took
    with desk.world.lock:
        for number, (placed, trade) in enumerate(zip(world.orders.values(), world.trades, strict=True)):
            placed.at -= 30 - number
            trade["at"] = placed.at
            trade["created_at"] = world._stamp(placed.at)
    listed = desk.venue.closed_orders(symbols=["BTC/USDT"], since=since)
    assert {each.client_order_id for each in listed} == {desk.order(each).client_order_id for each in orders}
    page = desk.venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=100)
    assert len(page.fills) == 12
    assert len({fill.venue_trade_id for fill in page.fills}) == 12


def test_what_traded_after_it_was_given_up_comes_into_the_books(desk, world):
    """An exchange that shows an order later than it may: the order had ended here, and its trades are posted late."""
    world.shown_after = 1_000_000
    world.faults[CREATE] = ["lost"]
    order = desk.sent()
    for later in (1, 20, 40, 80):
        desk.sweep(later)
    assert desk.order(order).state == "NOT_PLACED"
    world.shown_after = 0
    for trade in world.trades:
        trade["at"] -= 7_200  # no list of trades by time shows it any more
    reconcile_account(venue=desk.venue, moment=desk.moment(90))
    assert (desk.order(order).state, desk.order(order).filled_quantity) == ("NOT_PLACED", D("0.004"))
    desk.assert_agrees()


@pytest.mark.parametrize("seed", [3, 8])
def test_random_orders_under_random_faults_end_in_equal_books(desk, world, seed):
    draw = random.Random(seed)
    faults = [None, None, None, "lost", "half", (502, {"message": "bad gateway"}, True), (404, {"message": "x"}, True)]
    resting = []
    for step in range(30):
        world.faults[CREATE] = [draw.choice(faults)]
        world.shares = [draw.choice([D(1), D(1), D("0.5")])]
        wish = RESTING if draw.random() < 0.4 else {}
        if draw.random() < 0.3 and desk.held() > D("0.001"):
            wish = {"side": "sell", "reduce_only": True}
        order = desk.sent(quantity="0.0005", **wish)
        desk.sweep(later=3)  # looks up what has no outcome, before the gate is asked again
        desk.poll()
        if wish == RESTING:
            resting.append(order)
        if resting and draw.random() < 0.4:
            chosen = resting.pop(draw.randrange(len(resting)))
            if desk.order(chosen).state == "ACCEPTED":
                desk.cancel(chosen)
        if step % 5 == 4:
            world.move(draw.choice(["48900", "50000", "50200"]))
    world.faults.clear()
    desk.come_to_rest()
    desk.assert_agrees()
    assert len(world.creates) == 30
