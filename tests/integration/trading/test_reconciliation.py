"""An account against its venue, tampered with on either side: healed by evidence, or kept until a person decides."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused, RetryableFailure
from apps.foundation.identifiers import new_id
from apps.foundation.models import OutboxEvent
from apps.trading import queries
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import (
    AccountReconciliation,
    Fill,
    Order,
    PaperFill,
    PaperOrder,
    Portfolio,
    ReconciliationBreak,
    StateCause,
    VenueWatermark,
)
from apps.trading.operations.books.verify_books import verify_books
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account, require_reconciliation
from apps.trading.operations.reconciliation.resolve_break import resolve_break
from apps.trading.ports import BadVenueAnswer
from tests.support.kept_balances import BalancedVenue
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
FORWARD = 100


@pytest.fixture
def desk():
    made = open_desk()
    made.venue = BalancedVenue(USDT=1000)
    return made


def look(desk, *, later=0.0):
    return reconcile_account(venue=desk.venue, moment=desk.moment(later=later))


def look_twice(desk, *, later=0.0):
    look(desk, later=later)
    return look(desk, later=later + 5)


def breaks(**conditions):
    return list(ReconciliationBreak.objects.filter(**conditions).order_by("opened_wall", "pk"))


def only(**conditions):
    (found,) = breaks(**conditions)
    return found


def decide(desk, row, choice, *, later=60.0):
    return resolve_break(
        break_id=row.pk, choice=choice, reason="Seen at the venue.", actor="risk-1", moment=desk.moment(later=later)
    )


def tamper(sql, *parameters):
    """The paper exchange's tables, behind its back."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


def foreign_order(desk, *, client_order_id="web_8f2", side="buy", state="OPEN", filled="0"):
    now = desk.moment()
    return PaperOrder.objects.create(
        client_order_id=client_order_id,
        symbol="ETH/USDT",
        side=side,
        type="limit",
        quantity=Decimal("0.1"),
        limit_price=Decimal(1000),
        time_in_force="GTC",
        post_only=False,
        reduce_only=False,
        state=state,
        filled_quantity=Decimal(filled),
        accepted_firm=now.firm,
        accepted_wall=now.wall,
    )


def foreign_fill(order, *, trade_id="T-1", quantity="0.1", price="1000", fee="0.1"):
    return PaperFill.objects.create(
        trade_id=trade_id,
        order=order,
        symbol=order.symbol,
        side=order.side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_asset="USDT",
        liquidity="taker",
        executed_firm=order.accepted_firm,
    )


def events(kind):
    return list(OutboxEvent.objects.filter(kind=kind).values_list("payload", flat=True))


def assert_books(desk):
    report = verify_books()
    assert report.ok, report.problems
    assert audit.verify().ok


def test_equal_books_pass_at_once_and_leave_nothing(desk):
    desk.buy(quantity="0.002")
    open_id = desk.propose(type="limit", limit_price=Decimal(40_000), quantity="0.001")
    desk.send(open_id)
    report = look(desk)
    assert (report.finished, report.passed, report.open_breaks) == (True, True, 0)
    assert report.summary["trades_listed"] == Fill.objects.count()
    assert not breaks()
    assert queries.reconciled("paper")


def test_a_deleted_fill_of_ours_is_posted_again_from_the_venue(desk, monkeypatch):
    """A restored database: books, orders and watermark are older than the venue."""
    before = desk.propose()
    desk.send(before)
    watermark = VenueWatermark.objects.filter(account_id="paper").values_list("watermark", flat=True).first()
    desk.market.bar()
    desk.venue.match_bars(closed_at=desk.market.moment.firm, bars=_bars(desk))
    assert PaperFill.objects.count() == 1
    VenueWatermark.objects.update(watermark=str(FORWARD))  # as a lost page would leave it
    assert watermark in {None, ""}
    report = look(desk)
    assert report.passed, report
    assert desk.order(before).state == "FILLED"
    assert_books(desk)


def _bars(desk):
    from apps.market import queries as market

    now = desk.market.moment.firm
    return market.bars_of(symbols=["BTC/USDT"], after=now - timedelta(minutes=1), until=now, base="1m")


def test_orders_and_trades_that_a_restore_lost_are_imported(desk):
    lost = new_id().hex
    order = foreign_order(desk, client_order_id=lost, state="FILLED", filled="0.1")
    foreign_fill(order)
    report = look_twice(desk)
    assert report.passed
    row = Order.objects.get(client_order_id=lost)
    assert (row.state, row.origin, row.filled_quantity) == ("FILLED", "venue", Decimal("0.1"))
    assert {each.kind: each.state for each in breaks()} == {"unknown_order": "HEALED", "missing_fill": "HEALED"}
    assert desk.position("ETH/USDT").quantity == Decimal("0.1")
    assert desk.stops("ETH/USDT")
    assert "break_unknown_order" in {each["kind"] for each in events("incident.wanted")}
    assert_books(desk)
    assert look(desk, later=10).summary["orders_imported"] == 0


def test_a_lost_order_at_work_is_taken_in_and_a_person_may_cancel_it(desk):
    lost = new_id().hex
    foreign_order(desk, client_order_id=lost)
    look(desk)
    row = only(kind="unknown_order")
    assert row.state == "OPEN"
    assert queries.symbol_quarantined("paper", "ETH/USDT")
    assert Order.objects.get(client_order_id=lost).reserved_left == Decimal(100)
    decide(desk, row, "cancel_order")
    look(desk, later=61)
    assert only(kind="unknown_order").state == "HEALED"
    look(desk, later=62)
    assert Order.objects.get(client_order_id=lost).state == "CANCELED"
    assert PaperOrder.objects.get(client_order_id=lost).state == "CANCELED"
    assert_books(desk)


def test_a_foreign_order_restricts_the_account_until_it_is_gone_and_somebody_resumes(desk):
    order = foreign_order(desk)
    look(desk)
    row = only(kind="foreign_order")
    cause = StateCause.objects.get(kind="foreign_trade", closed_wall__isnull=True)
    assert (cause.account, cause.state, cause.latched) == ("paper", "REDUCING", True)
    look(desk, later=60)
    assert only(kind="foreign_order").times_seen == 2
    tamper("UPDATE trading_paper_order SET state = 'CANCELED' WHERE id = %s", order.pk)
    look(desk, later=120)
    row.refresh_from_db()
    assert row.state == "HEALED"
    assert events("incident.over")
    assert StateCause.objects.filter(pk=cause.pk, closed_wall__isnull=True).exists()


def test_an_ignored_foreign_order_is_not_raised_again(desk):
    foreign_order(desk)
    look(desk)
    decide(desk, only(), "ignore")
    look(desk, later=120)
    assert only().state == "RESOLVED"
    assert queries.symbol_quarantined("paper", "ETH/USDT") is None


def test_a_foreign_trade_is_held_back_and_explains_its_own_gap(desk):
    order = foreign_order(desk, state="FILLED", filled="0.1")
    foreign_fill(order)
    report = look_twice(desk)
    assert report.passed
    row = only()
    assert (row.kind, row.state, row.symbol) == ("foreign_trade", "OPEN", "ETH/USDT")
    assert not Fill.objects.exists()
    decide(desk, row, "adopt_trade")
    assert desk.position("ETH/USDT").quantity == Decimal("0.1")
    report = look_twice(desk, later=70)
    assert (report.passed, report.open_breaks) == (True, 0)
    assert Fill.objects.count() == 1
    assert_books(desk)


def test_an_ignored_foreign_trade_stays_out_and_is_known_beside_the_books(desk):
    foreign_fill(foreign_order(desk, state="FILLED", filled="0.1"))
    look_twice(desk)
    decide(desk, only(), "ignore")
    report = look_twice(desk, later=70)
    assert (report.passed, report.open_breaks) == (True, 0)
    assert len(breaks()) == 1
    assert not Fill.objects.exists()


def test_a_foreign_sale_of_what_we_do_not_hold_cannot_be_adopted(desk):
    foreign_fill(foreign_order(desk, side="sell", state="FILLED", filled="0.1"))
    look_twice(desk)
    with pytest.raises(Refused) as refused:
        decide(desk, only(), "adopt_trade")
    assert refused.value.code == "exceeds_position"
    assert only().state == "OPEN"
    assert not Order.objects.filter(origin="venue").exists()
    assert_books(desk)


def test_an_over_fill_holds_up_no_other_fill(desk):
    order_id = desk.buy(quantity="0.002")
    theirs = PaperOrder.objects.get(client_order_id=desk.order(order_id).client_order_id)
    extra = foreign_fill(theirs, trade_id="extra", quantity="0.002", price="50000", fee="0")
    next_id = desk.buy(quantity="0.001")
    assert desk.order(next_id).state == "FILLED"
    row = only()
    assert (row.kind, row.facts["trade"]["venue_trade_id"]) == ("over_fill", extra.trade_id)
    assert desk.order(order_id).filled_quantity == Decimal("0.002")
    decide(desk, row, "adopt_trade")
    assert desk.position().quantity == Decimal("0.005")
    assert_books(desk)


def test_a_trade_that_is_told_otherwise_changes_nothing_and_is_kept(desk):
    desk.buy()
    look(desk)
    tamper("UPDATE trading_paper_fill SET quantity = quantity / 2")
    look_twice(desk, later=10)
    altered = only(kind="bad_answer")
    assert "otherwise" in altered.detail
    assert desk.position().quantity == Decimal("0.004")
    gap = only(kind="position_gap")
    assert (gap.asset, gap.amount) == ("BTC", Decimal("-0.002"))


def test_a_trade_that_the_venue_takes_back_is_kept_as_unproven(desk):
    desk.buy(quantity="0.002")
    desk.buy(quantity="0.001")
    tamper("DELETE FROM trading_paper_fill WHERE id = (SELECT max(id) FROM trading_paper_fill)")
    look_twice(desk)
    assert "does not list" in only(kind="bad_answer").detail
    assert only(kind="position_gap").amount == Decimal("-0.001")


def test_a_trade_that_a_lagging_list_lacked_is_proven_once_it_is_listed(desk):
    desk.buy(quantity="0.002")
    desk.buy(quantity="0.001")
    late = PaperFill.objects.order_by("pk").last()
    tamper("DELETE FROM trading_paper_fill WHERE id = %s", late.pk)
    look(desk)
    assert "does not list" in only(kind="bad_answer").detail
    late.save(force_insert=True)
    look(desk, later=10)
    look(desk, later=20)
    row = only(kind="bad_answer")
    assert (row.state, row.healing) == ("HEALED", "The venue lists it again.")
    assert not breaks(state="OPEN")
    assert_books(desk)


def test_an_order_the_venue_forgets_is_given_up_only_after_several_answers(desk):
    order_id = desk.propose(type="limit", limit_price=Decimal(40_000), quantity="0.001")
    desk.send(order_id)
    tamper("DELETE FROM trading_paper_order")
    look(desk, later=10)
    assert desk.order(order_id).state == "ACCEPTED"
    look(desk, later=70)
    assert (desk.order(order_id).state, only().state) == ("ACCEPTED", "OPEN")
    look(desk, later=200)
    order = desk.order(order_id)
    assert (order.state, order.reserved_left) == ("CANCELED", 0)
    assert (only().kind, only().state) == ("order_gone", "HEALED")
    assert_books(desk)


def test_network_errors_prove_nothing(desk, monkeypatch):
    order_id = desk.propose(type="limit", limit_price=Decimal(40_000), quantity="0.001")
    desk.send(order_id)
    require_reconciliation(moment=desk.moment())

    def away(*arguments, **named):
        raise RetryableFailure("The venue does not answer.")

    monkeypatch.setattr(desk.venue, "open_orders", away)
    for later in (5, 65, 125, 185, 245):
        report = look(desk, later=later)
        assert (report.finished, report.passed) == (False, False)
    assert desk.order(order_id).state == "ACCEPTED"
    assert not breaks()
    assert StateCause.objects.filter(kind="reconciling", account="paper", closed_wall__isnull=True).exists()
    monkeypatch.undo()
    assert look(desk, later=300).passed
    assert not StateCause.objects.filter(kind="reconciling", closed_wall__isnull=True).exists()


def test_an_order_that_returns_after_its_end_is_canceled_at_the_venue(desk):
    order_id = desk.propose(type="limit", limit_price=Decimal(40_000), quantity="0.001")
    desk.send(order_id)
    tamper("UPDATE trading_paper_order SET state = 'CANCELED'")
    look(desk)
    assert desk.order(order_id).state == "CANCELED"
    tamper("UPDATE trading_paper_order SET state = 'OPEN'")
    look(desk, later=30)
    assert PaperOrder.objects.get().state == "CANCELED"
    assert (only().kind, only().state) == ("unknown_order", "HEALED")


def test_a_deposit_is_asked_about_and_neither_profit_nor_loss(desk):
    desk.buy()
    desk.venue.moved["USDT"] += 500
    assert not look(desk).passed
    assert not breaks()
    assert look(desk, later=5).passed
    row = only()
    assert (row.kind, row.amount, row.quarantines) == ("balance_gap", Decimal(500), False)
    before, seen = Portfolio.objects.get(), queries.portfolio_view(desk.moment())
    decide(desk, row, "accept_transfer")
    after, sees = Portfolio.objects.get(), queries.portfolio_view(desk.moment())
    assert after.starting_capital - before.starting_capital == 500
    assert after.day_capital - before.day_capital == 500
    share = 1 + 500 / Decimal(seen["equity"])
    assert after.peak_equity == pytest.approx(before.peak_equity * share)
    assert after.day_start_equity == pytest.approx(before.day_start_equity * share)
    kept = ("pnl", "day_pnl", "return_pct", "drawdown_pct")
    assert [seen[name] for name in kept] == [sees[name] for name in kept]
    assert look(desk, later=70).passed
    assert only().state == "RESOLVED"
    assert_books(desk)


def test_missing_money_holds_up_the_whole_account(desk):
    desk.venue.moved["USDT"] -= 300
    look_twice(desk)
    assert only().symbol == ""
    assert queries.symbol_quarantined("paper", "BTC/USDT")
    assert queries.symbol_quarantined("paper", "ETH/USDT")
    decide(desk, only(), "accept_transfer")
    assert queries.symbol_quarantined("paper", "BTC/USDT") is None
    assert look(desk, later=70).passed
    assert_books(desk)


def test_units_that_come_in_open_a_position_with_a_stop_and_units_that_go_out_close_it(desk):
    desk.venue.moved["ETH"] = Decimal("0.2")
    look_twice(desk)
    decide(desk, only(), "accept_transfer")
    held = desk.position("ETH/USDT")
    assert held.quantity == Decimal("0.2")
    assert held.stop_price > 0
    assert desk.stops("ETH/USDT")
    equity = queries.portfolio_view(desk.moment())
    assert equity["pnl"] == "0"
    del desk.venue.moved["ETH"]
    look_twice(desk, later=70)
    decide(desk, only(state="OPEN"), "accept_transfer")
    assert desk.position("ETH/USDT").quantity == 0
    assert queries.portfolio_view(desk.moment())["pnl"] == "0"
    assert_books(desk)


def test_dust_is_no_gap_and_an_ignored_one_is_known(desk):
    desk.venue.moved["USDT"] += Decimal("0.009")
    assert look(desk).passed
    desk.venue.moved["USDT"] += 5
    look_twice(desk, later=10)
    decide(desk, only(), "ignore")
    assert look(desk, later=70).passed
    desk.venue.moved["USDT"] += 1
    look_twice(desk, later=80)
    assert [row.amount for row in breaks(state="OPEN")] == [Decimal(1)]


def test_balances_that_move_while_they_are_read_are_not_judged(desk, monkeypatch):
    real = desk.venue.balances
    order_id = desk.propose()
    desk.send(order_id)

    def moving():
        answer = real()
        if not Fill.objects.exists():  # a trade falls between the answer and the next look at our books
            desk.market.bar()
            desk.venue.match_bars(closed_at=desk.market.moment.firm, bars=_bars(desk))
        return answer

    monkeypatch.setattr(desk.venue, "balances", moving)
    assert look(desk).passed
    assert desk.order(order_id).state == "FILLED"
    assert not breaks()


def test_nothing_with_risk_is_sent_before_the_first_comparison(desk):
    held = desk.buy(quantity="0.002")
    assert desk.order(held).state == "FILLED"
    require_reconciliation(moment=desk.moment())
    buy, sale = desk.propose(quantity="0.001"), desk.propose(side="sell", quantity="0.001", reduce_only=True)
    assert not desk.send(buy)
    assert desk.send(sale)
    assert desk.order(buy).state == "APPROVED"
    assert look(desk).passed
    assert desk.send(buy)
    require_reconciliation(moment=desk.moment())
    late = desk.propose(quantity="0.001")
    assert not desk.send(late, later=40)
    assert desk.order(late).state == "CANCELED"
    assert "not reconciled" in desk.order(late).state_note


def test_a_quarantine_stops_approved_buys_and_lets_sales_out(desk):
    desk.buy(quantity="0.002")
    buy = desk.propose(quantity="0.001")
    desk.venue.moved["BTC"] = Decimal(1)
    look_twice(desk)
    assert not desk.send(buy)
    assert desk.order(buy).state == "CANCELED"
    denied = propose_order(
        intent=OrderIntent(symbol="BTC/USDT", side="buy", quantity=Decimal("0.001"), actor="tester"),
        moment=desk.moment(),
    )
    assert (denied["state"], denied["reject_code"]) == ("DENIED", "symbol_quarantined")
    sale = desk.propose(side="sell", quantity="0.001", reduce_only=True)
    assert desk.send(sale)


def test_an_order_whose_fate_stays_unknown_may_be_attested(desk, monkeypatch):
    from apps.foundation.errors import OutcomeUnknown

    order_id = desk.propose()
    desk.venue.before_submit = OutcomeUnknown("No answer.")
    desk.send(order_id)
    assert desk.order(order_id).state == "UNKNOWN"
    look(desk, later=400)
    row = only()
    assert (row.kind, str(row.order_id)) == ("undecided_order", order_id)
    with pytest.raises(Refused) as refused:
        resolve_break(break_id=row.pk, choice="attest_not_placed", reason=" ", actor="x", moment=desk.moment())
    assert refused.value.field == "reason"
    decide(desk, row, "attest_not_placed")
    order = desk.order(order_id)
    assert (order.state, order.reserved_left, order.state_actor) == ("NOT_PLACED", 0, "risk-1")
    with pytest.raises(Conflict):
        decide(desk, row, "attest_not_placed")
    assert_books(desk)


def test_choices_are_those_of_the_break(desk):
    desk.venue.moved["USDT"] += 5
    look_twice(desk)
    with pytest.raises(Refused) as refused:
        decide(desk, only(), "adopt_trade")
    assert refused.value.code == "choice_not_offered"
    view = decide(desk, only(), "stay")
    assert (view["state"], view["choice_by"]) == ("OPEN", "risk-1")


def test_nonsense_from_the_venue_is_one_break_and_the_rest_goes_on(desk, monkeypatch):
    def nonsense(**given):
        raise BadVenueAnswer("Quantity was -1.", field="quantity", was="-1")

    monkeypatch.setattr(desk.venue, "fills_since", nonsense)
    for later in (0, 10, 20):
        assert not look(desk, later=later).finished
    row = only()
    assert (row.kind, row.times_seen, row.facts["was"]) == ("bad_answer", 3, "-1")


def test_two_looks_at_once_do_no_harm(desk):
    foreign_fill(foreign_order(desk, state="FILLED", filled="0.1"))
    for _ in range(3):
        look(desk)
    assert len(breaks()) == 1
    assert AccountReconciliation.objects.count() == 1


def test_an_executor_that_starts_meanwhile_is_owed_a_comparison_of_its_own(desk):
    early = desk.moment()
    require_reconciliation(moment=Moment(wall=early.wall + timedelta(seconds=1), firm=early.firm))
    assert reconcile_account(venue=desk.venue, moment=early).passed
    assert not queries.reconciled("paper")
