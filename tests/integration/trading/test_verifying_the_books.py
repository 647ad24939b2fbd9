"""The verifier finds each kind of damage, names it, and is not confused by trading that goes on."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import F

from apps.foundation import audit
from apps.foundation.errors import Conflict
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import LedgerAccount, Order, OrderTransition, Position
from apps.trading.operations import cancel_open_orders, cancel_order, close_position, propose_order, verify_books
from apps.trading.operations.books.verify_books import check_books
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(clean_redis):
    desk = open_desk()
    desk.buy()
    desk.propose(symbol="ETH/USDT", quantity="0.01")
    assert check_books().problems == ()
    return desk


def _balance():
    LedgerAccount.objects.filter(asset="USDT", kind="available").update(balance=F("balance") + 1)


def _reserved():
    Order.objects.filter(symbol="ETH/USDT").update(reserved_left=F("reserved_left") - 1)


def _order_fees():
    Order.objects.filter(state="FILLED").update(fees=F("fees") + 1)


def _position_cost():
    Position.objects.update(cost=F("cost") + 1)


def _position_quantity():
    Position.objects.update(quantity=F("quantity") + 1)


def _history():
    order = Order.objects.get(symbol="ETH/USDT")
    times = {"at_wall": order.state_wall, "at_firm": order.state_firm}
    with connection.cursor() as cursor:  # the owner of the tables can
        cursor.execute("ALTER TABLE trading_ordertransition DISABLE TRIGGER USER")
        OrderTransition.objects.create(order=order, from_state="APPROVED", to_state="FILLED", actor="x", **times)
        cursor.execute("ALTER TABLE trading_ordertransition ENABLE TRIGGER USER")


def _verdicts():
    Order.objects.filter(symbol="ETH/USDT").update(verdicts=[{"rule": "x", "allowed": False}])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_balance, "account USDT available: balance"),
        (_reserved, "reserved USDT: balance"),
        (_order_fees, "its trades sum to"),
        (_position_cost, "position BTC/USDT: quantity"),
        (_position_quantity, "BTC: 1.004000000000000000 in positions"),
        (_history, "APPROVED to FILLED after APPROVED"),
        (_verdicts, "APPROVED with 1 verdicts, 1 of them denials"),
    ],
)
def test_damage_is_found_and_named(desk, damage, named):
    damage()
    report = check_books()
    assert not report.ok
    assert [problem for problem in report.problems if named in problem]


@pytest.mark.django_db(transaction=True)
def test_the_command_says_that_the_books_balance_and_fails_when_they_do_not(desk):
    out = StringIO()
    call_command("verify_books", stdout=out)
    assert "The books balance." in out.getvalue()
    _balance()
    with pytest.raises(CommandError, match="account USDT available: balance") as failure:
        call_command("verify_books", stdout=StringIO())
    assert failure.value.returncode == 1


@pytest.mark.django_db(transaction=True)
def test_traders_side_by_side_never_block_each_other_for_good_and_the_books_always_balance(desk):
    moment, done = desk.moment(), Event()

    def trade(number):
        symbol = ("ETH/USDT", "SOL/USDT")[number % 2]
        quantity = Decimal("0.02") if symbol == "ETH/USDT" else Decimal("0.5")
        try:
            for _ in range(6):
                intent = OrderIntent(symbol=symbol, side="buy", quantity=quantity, actor=f"trader {number}")
                view = propose_order(intent=intent, moment=moment)
                if view["state"] == "APPROVED" and number < 3:
                    _cancel(view["id"])
                if number == 4:
                    _close()
                    cancel_open_orders(actor="trader 4", reason="all", moment=moment)
        finally:
            connections.close_all()

    def _cancel(order_id):
        with suppress(Conflict):  # somebody else may have cancelled it
            cancel_order(order_id=order_id, actor="x", reason="x", moment=moment)

    def _close():
        close_position(symbol="BTC/USDT", actor="trader 4", reason="x", moment=moment)

    def verify():
        try:
            reports = [verify_books()]
            while not done.is_set():
                reports.append(verify_books())
            return reports
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        watching = pool.submit(verify)
        for trader in [pool.submit(trade, number) for number in range(5)]:
            trader.result(60)
        done.set()
        reports = watching.result(60)
    assert [report.problems for report in [*reports, verify_books()] if not report.ok] == []
    assert audit.verify().ok
    assert Order.objects.filter(symbol__in=["ETH/USDT", "SOL/USDT"]).count() == 31
