"""What the database itself refuses, whoever asks: overspending, imbalance, illegal moves, rewriting the record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id
from apps.trading.domain.books.ledger_postings import Posting, deposit, reservation
from apps.trading.domain.orders.order_lifecycle import (
    AT_VENUE,
    BIRTH_PATHS,
    OPEN,
    TERMINAL,
    TRANSITIONS,
    OrderState,
    may_move,
)
from apps.trading.models import (
    Fill,
    LedgerAccount,
    LedgerPosting,
    LedgerTransfer,
    Order,
    OrderTransition,
    Portfolio,
    RiskLimits,
)
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.books.post_transfer import post_transfer, transfer_id
from tests.support.leading import lead

pytestmark = pytest.mark.django_db
real_commits = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW = Moment(wall=AT, firm=AT)
ALLOWED = {(before, after) for before, states in TRANSITIONS.items() for after in states}


@pytest.fixture
def portfolio():
    return Portfolio.objects.get(pk=open_portfolio(currency="USDT", capital="1000", moment=NOW))


def post(portfolio, cause, postings):
    with transaction.atomic():
        return post_transfer(
            portfolio_id=portfolio.pk, cause_kind="test", cause_id=cause, postings=postings, moment=NOW
        )


def balances(portfolio):
    return {(a.asset, a.kind): a.balance for a in LedgerAccount.objects.filter(portfolio=portfolio)}


def an_order(portfolio, state, **fields):
    order_id = uuid4()
    done = AT if state in TERMINAL else None
    return Order(
        **{
            "id": order_id,
            "portfolio": portfolio,
            "client_order_id": order_id.hex,
            "symbol": "BTC/USDT",
            "side": "buy",
            "type": "market",
            "quantity": Decimal(1),
            "state": state,
            "state_wall": AT,
            "state_firm": AT,
            "state_actor": "tester",
            "origin": "manual",
            "actor": "tester",
            "gate_digest": "0" * 64,
            "proposed_wall": AT,
            "proposed_firm": AT,
            "done_wall": done,
            "account_id": "paper",
        }
        | fields
    )


def test_opening_twice_deposits_once(portfolio):
    assert open_portfolio(currency="USDT", capital="5000", moment=NOW) == portfolio.pk
    assert balances(portfolio) == {("USDT", "available"): 1000, ("USDT", "external"): -1000}
    assert list(RiskLimits.objects.values_list("version", "author")) == [(1, "system")]


def test_a_redelivered_transfer_does_nothing(portfolio):
    postings = reservation(side="buy", asset="USDT", amount=Decimal(300))
    assert post(portfolio, "a", postings) is True
    assert post(portfolio, "a", postings) is False
    assert post(portfolio, "a", reservation(side="buy", asset="USDT", amount=Decimal(1))) is False
    assert balances(portfolio)["USDT", "reserved"] == 300
    assert LedgerPosting.objects.filter(transfer_id=transfer_id(cause_kind="test", cause_id="a")).count() == 2


def test_an_orders_transfers_lie_beside_it_and_a_cause_is_posted_once_whatever_order_it_names(portfolio):
    first, second = new_id(), new_id()
    postings = reservation(side="buy", asset="USDT", amount=Decimal(300))
    done = [
        post_transfer(
            portfolio_id=portfolio.pk, cause_kind="fill", cause_id="a", postings=postings, moment=NOW, order_id=order_id
        )
        for order_id in (first, first, second)
    ]
    assert done == [True, False, False]
    posted = LedgerTransfer.objects.get(cause_kind="fill")
    assert posted.order_id == first
    assert posted.pk.bytes[:8] == first.bytes[:8]
    assert balances(portfolio)["USDT", "reserved"] == 300


@pytest.mark.parametrize("kind", ["available", "reserved", "position"])
def test_no_account_that_has_a_floor_goes_below_it(portfolio, kind):
    with pytest.raises(IntegrityError, match="ledger_no_overspending"), transaction.atomic():
        post(
            portfolio,
            "a",
            [Posting("USDT", kind, Decimal("-1000.01")), Posting("USDT", "external", Decimal("1000.01"))],
        )
    assert balances(portfolio)["USDT", "available"] == 1000
    assert not LedgerTransfer.objects.filter(cause_kind="test").exists()


@real_commits
def test_an_unbalanced_transfer_is_refused_at_commit(portfolio):
    short = [Posting("USDT", "available", Decimal(-10)), Posting("USDT", "reserved", Decimal("9.99"))]
    with pytest.raises(IntegrityError, match="does not balance"):
        post(portfolio, "a", short)
    assert ("USDT", "reserved") not in balances(portfolio)


@real_commits
def test_a_transfer_must_balance_in_each_asset_alone(portfolio):
    with pytest.raises(IntegrityError, match="does not balance"):
        post(portfolio, "a", [Posting("BTC", "position", Decimal(1)), Posting("USDT", "external", Decimal(-1))])


@real_commits
def test_a_posting_added_later_must_balance_too(portfolio):
    account = LedgerAccount.objects.get(portfolio=portfolio, kind="available")
    transfer = LedgerTransfer.objects.get()
    with pytest.raises(IntegrityError, match="does not balance"):
        LedgerPosting.objects.create(transfer=transfer, account=account, asset="USDT", amount=Decimal(1))


@pytest.mark.parametrize("wrong", ["transfer", "account", "asset", "portfolio"])
def test_a_posting_needs_a_transfer_and_an_account_that_fit(portfolio, wrong):
    """What foreign keys proved, the trigger proves, and more."""
    free = LedgerAccount.objects.get(portfolio=portfolio, kind="available")
    outside = LedgerAccount.objects.get(portfolio=portfolio, kind="external")
    transfer, asset = LedgerTransfer.objects.get().pk, "USDT"
    if wrong == "transfer":
        transfer = uuid4()
    elif wrong == "account":
        outside = LedgerAccount(id=uuid4())
    elif wrong == "asset":
        asset = "BTC"
    else:
        transfer = LedgerTransfer.objects.create(
            id=uuid4(), portfolio_id=uuid4(), cause_kind="x", cause_id="x", at_wall=AT, at_firm=AT
        ).pk
    legs = [
        LedgerPosting(transfer_id=transfer, account_id=account.pk, asset=asset, amount=amount)
        for account, amount in ((free, 1), (outside, -1))
    ]
    with pytest.raises(IntegrityError, match="not there, or of another portfolio"), transaction.atomic():
        LedgerPosting.objects.bulk_create(legs)


def test_an_order_belongs_to_its_accounts_portfolio(portfolio):
    other = open_portfolio(currency="USDT", capital="10", moment=NOW, account="other")
    for name, value in (("account_id", "nobody"), ("portfolio_id", other), ("portfolio_id", uuid4())):
        order = an_order(portfolio, OrderState.PROPOSED)
        setattr(order, name, value)
        with pytest.raises(IntegrityError, match="has no account"), transaction.atomic():
            order.save(force_insert=True)
    order = an_order(portfolio, OrderState.PROPOSED)
    order.save(force_insert=True)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(account_id="other", portfolio_id=other)


def test_nobody_writes_an_orders_history_by_hand(portfolio):
    order = an_order(portfolio, OrderState.PROPOSED)
    order.save(force_insert=True)
    with pytest.raises(IntegrityError, match="written by the orders"), transaction.atomic():
        OrderTransition.objects.create(
            order=order, from_state="", to_state="PROPOSED", at_wall=AT, at_firm=AT, actor="x"
        )


@pytest.mark.parametrize("table", ["account", "order", "ledgeraccount"])
def test_what_others_refer_to_is_never_deleted(portfolio, table):
    an_order(portfolio, OrderState.PROPOSED).save(force_insert=True)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM trading_{table}")


@real_commits
def test_a_transfer_outside_a_transaction_is_a_programming_error(portfolio):
    with pytest.raises(RuntimeError, match="inside the transaction"):
        post_transfer(
            portfolio_id=portfolio.pk,
            cause_kind="test",
            cause_id="a",
            postings=deposit(asset="USDT", amount=Decimal(1)),
            moment=NOW,
        )


@real_commits
def test_two_writers_for_the_last_cash_one_gets_it(portfolio):
    ready = Barrier(2)

    def spend(cause):
        try:
            ready.wait(10)
            post(portfolio, cause, reservation(side="buy", asset="USDT", amount=Decimal(600)))
        except IntegrityError:
            return "refused"
        finally:
            connections.close_all()
        return "posted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(spend, ["a", "b"])) == ["posted", "refused"]
    assert balances(portfolio)["USDT", "reserved"] == 600


@real_commits
def test_many_writers_in_every_order_end_in_the_same_balances(portfolio):
    def move(number):
        side = [Posting("USDT", "available", Decimal(-1)), Posting("USDT", "reserved", Decimal(1))]
        try:
            return post(portfolio, str(number % 30), side if number % 2 else side[::-1])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(move, range(60))) == 30
    assert balances(portfolio)["USDT", "reserved"] == 30


@pytest.mark.parametrize("table", ["ledgertransfer", "ledgerposting", "ordertransition", "risklimits", "fill"])
@pytest.mark.parametrize(
    "act", ["UPDATE trading_{} SET {} = {}", "DELETE FROM trading_{}", "TRUNCATE trading_{} CASCADE"]
)
def test_the_record_can_not_be_rewritten(portfolio, table, act):
    order = an_order(portfolio, OrderState.PROPOSED)
    order.save(force_insert=True)
    amounts = {"quantity": 1, "price": 1, "cost": 1}
    Fill.objects.create(
        id=uuid4(),
        order=order,
        portfolio=portfolio,
        symbol="BTC/USDT",
        side="buy",
        fee_asset="USDT",
        account_id="paper",
        venue_trade_id="1",
        traded_firm=AT,
        recorded_wall=AT,
        **amounts,
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    column = "version" if table == "risklimits" else "id"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(act.format(table, column, column))


def test_the_trigger_allows_exactly_the_moves_of_the_table(portfolio):
    """Every pair, tried on a row of its own: what the database does and what the table says are the same."""
    done = {}
    for before, after in product(OrderState, OrderState):
        if before == after:
            continue
        with transaction.atomic():
            order_id = _bring_to(portfolio, before)
            done[before, after] = _is_moved(order_id, after)
            transaction.set_rollback(True)
    assert {pair for pair, went in done.items() if went} == ALLOWED
    assert len(done) == len(OrderState) * (len(OrderState) - 1)


def _is_moved(order_id, after):
    move = {"state": after, "done_wall": AT if after in TERMINAL else None}
    if may_move(Order.objects.get(pk=order_id).state, after):
        return Order.objects.filter(pk=order_id).update(**move) == 1
    with pytest.raises(IntegrityError, match="can't become"), transaction.atomic():
        Order.objects.filter(pk=order_id).update(**move)
    return Order.objects.get(pk=order_id).state == after


def _bring_to(portfolio, state):
    """An order in ``state``, led there by legal moves."""
    paths = {OrderState.PROPOSED: [OrderState.PROPOSED]}
    while state not in paths:
        for before, after in sorted(ALLOWED):
            if before in paths and after not in paths:
                paths[after] = [*paths[before], after]
    order = an_order(portfolio, OrderState.PROPOSED, epoch=lead().epoch)
    order.save(force_insert=True)
    for step in paths[state][1:]:
        Order.objects.filter(pk=order.pk).update(state=step, done_wall=AT if step in TERMINAL else None)
    assert [t.to_state for t in order.transitions.order_by("id")] == paths[state]
    return order.pk


@pytest.mark.parametrize("state", list(OrderState))
def test_a_row_is_born_only_where_a_path_leads(portfolio, state):
    order = an_order(portfolio, state)
    if state not in BIRTH_PATHS:
        with pytest.raises(IntegrityError, match="born"), transaction.atomic():
            order.save(force_insert=True)
        assert not Order.objects.exists()
        return
    order.save(force_insert=True)
    moves = list(order.transitions.order_by("id").values_list("from_state", "to_state"))
    assert [after for _, after in moves] == list(BIRTH_PATHS[state])
    assert [before for before, _ in moves] == ["", *BIRTH_PATHS[state][:-1]]


def test_filled_quantity_never_falls(portfolio):
    order = an_order(portfolio, OrderState.APPROVED, filled_quantity=Decimal("0.5"))
    order.save(force_insert=True)
    Order.objects.filter(pk=order.pk).update(filled_quantity=Decimal("0.6"))
    with pytest.raises(IntegrityError, match="may not fall"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(filled_quantity=Decimal("0.59"))


def test_a_finished_order_can_hold_no_funds(portfolio):
    order = an_order(portfolio, OrderState.APPROVED, reserved_amount=Decimal(10), reserved_left=Decimal(10))
    order.save(force_insert=True)
    with pytest.raises(IntegrityError, match="order_done_holds_no_funds"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(state=OrderState.CANCELED, done_wall=AT)


def test_an_order_has_an_end_when_it_is_not_open_and_only_then(portfolio):
    for state, done in ((OrderState.DENIED, None), (OrderState.APPROVED, AT)):
        order = an_order(portfolio, state)
        order.done_wall = done
        with pytest.raises(IntegrityError, match="has an end when it is not open"), transaction.atomic():
            order.save(force_insert=True)
    order = an_order(portfolio, OrderState.APPROVED)
    order.save(force_insert=True)
    for fields in ({"state": OrderState.CANCELED}, {"done_wall": AT}):
        with pytest.raises(IntegrityError, match="has an end when it is not open"), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**fields)


def test_the_gate_reads_open_orders_by_the_lifecycles_own_lists():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('hq_lock_book'::regproc)")
        text = cursor.fetchone()[0]
    named = [set(part.split(")")[0].replace("'", "").split(", ")) for part in text.split("state IN (")[1:]]
    assert named == [AT_VENUE, OPEN]


def test_history_names_who_and_why(portfolio):
    order = an_order(portfolio, OrderState.DENIED, state_actor="risk gate", state_note="Too large.")
    order.save(force_insert=True)
    assert list(OrderTransition.objects.order_by("id").values_list("to_state", "actor", "note")) == [
        ("PROPOSED", "tester", ""),
        ("DENIED", "risk gate", "Too large."),
    ]
