"""Reconciliation through the real ccxt against the exchange simulator: its balances, its trades, its strangers."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.clock import wall_now
from apps.foundation.identifiers import new_id
from apps.trading import queries
from apps.trading.models import Fill, ReconciliationBreak
from apps.trading.operations.reconcile_account import reconcile_account
from apps.trading.operations.resolve_break import resolve_break
from apps.trading.ports import VenueOrder
from tests.support.exchange_desk import ExchangeDesk
from tests.support.running_exchange import UNMETERED, RunningExchange
from tests.support.staged_market import stage_market

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RunningExchange(tmp_path_factory.mktemp("exchange"), level_value=5_000_000, **UNMETERED) as exchange:
        yield exchange


@pytest.fixture
def desk(clean_redis, running):
    market = stage_market()
    market.bar()
    made = ExchangeDesk(market, running)
    yield made
    running.clear_faults()
    made.venue.close()


def look(desk, later):
    return reconcile_account(venue=desk.venue, moment=desk.moment(later))


def foreign(desk, *, client_order_id, kind="market", quantity="0.001", limit_price=None):
    """Another program with the same key."""
    now = desk.moment()
    order = VenueOrder(
        client_order_id=client_order_id,
        symbol="BTC/USDT",
        side="buy",
        type=kind,
        quantity=Decimal(quantity),
        limit_price=limit_price,
        funds=None,
        time_in_force="GTC",
        post_only=False,
        reduce_only=False,
        valid_until=wall_now() + timedelta(seconds=20),
    )
    return desk.venue.submit(order=order, moment=now)


def test_a_bought_position_agrees_with_the_exchange_to_the_last_unit(desk):
    order_id = desk.sent()
    desk.collect()
    assert desk.order(order_id).state == "FILLED"
    report = look(desk, 10)
    assert (report.passed, report.open_breaks) == (True, 0), report
    assert report.summary["assets"] >= 2


def test_an_order_of_our_making_that_the_books_lost_is_imported_with_its_trades(desk):
    lost = new_id().hex
    foreign(desk, client_order_id=lost)
    look(desk, 10)
    report = look(desk, 20)
    assert report.passed, report
    fill = Fill.objects.get()
    assert (fill.order.client_order_id, fill.order.state) == (lost, "FILLED")
    assert {row.state for row in ReconciliationBreak.objects.all()} == {"HEALED"}


def test_a_strangers_trade_is_held_back_and_can_be_adopted(desk):
    foreign(desk, client_order_id="web8f2")
    look(desk, 10)
    report = look(desk, 20)
    row = ReconciliationBreak.objects.get()
    assert (row.kind, row.state) == ("foreign_trade", "OPEN")
    assert report.passed, report
    assert queries.symbol_quarantined(desk.name, "BTC/USDT")
    resolve_break(
        break_id=row.pk, choice="adopt_trade", reason="Mine, by hand.", actor="risk-1", moment=desk.moment(30)
    )
    look(desk, 40)
    report = look(desk, 50)
    assert (report.passed, report.open_breaks) == (True, 0), report
