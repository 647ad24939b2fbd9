"""Proposing, denying, cancelling, halting on a staged market."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections

from apps.foundation import audit
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.models import OutboxEvent
from apps.market.operations import pause_instrument
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.position_sizing import TargetExposure
from apps.trading.domain.risk.risk_rules import RULES
from apps.trading.models import LedgerAccount, LedgerTransfer, Order, Portfolio, RiskLimits, StateCause
from apps.trading.operations import (
    cancel_order,
    change_limits,
    close_position,
    fire_armed_order,
    halt_trading,
    monitor_risk,
    propose_order,
    propose_target,
    resume_trading,
)
from apps.trading.queries import limits_view, order_view, portfolio_view, state_view
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def intent(**fields):
    return OrderIntent(
        **({"symbol": "BTC/USDT", "side": "buy", "quantity": Decimal("0.004"), "actor": "tester"} | fields)
    )


def propose(desk, **fields):
    return propose_order(intent=intent(**fields), moment=desk.moment())


def balance(asset, kind):
    return LedgerAccount.objects.filter(asset=asset, kind=kind).values_list("balance", flat=True).first() or 0


def limits(desk, **changes):
    return change_limits(changes=changes, actor="tester", reason="for a test", moment=desk.moment())


def denials(view):
    return [verdict["rule"] for verdict in view["verdicts"] if not verdict["allowed"]]


def test_an_approval_reserves_its_worst_cost_and_says_what_it_was_judged_on(desk):
    view = propose(desk)
    assert view["state"] == "APPROVED"
    assert view["reserved_amount"] == view["reserved_left"] == "204.204"
    assert (balance("USDT", "reserved"), balance("USDT", "available")) == (Decimal("204.204"), Decimal("795.796"))
    assert [move["to"] for move in view["transitions"]] == ["PROPOSED", "APPROVED"]
    assert len(view["verdicts"]) == len(RULES)
    assert view == order_view(view["id"])
    kinds = set(OutboxEvent.objects.filter(aggregate=f"order:{view['id']}").values_list("kind", flat=True))
    assert kinds == {"order.changed"}
    assert audit.verify().ok
    desk.assert_books_balance()


def test_a_denial_is_stored_with_reasons_and_reserves_nothing(desk):
    view = propose(desk, quantity=Decimal("0.006"))
    assert view["state"] == "DENIED"
    assert denials(view) == ["max_order_notional", "max_position"]
    assert view["reject_code"] == "order_too_large"
    assert [move["to"] for move in view["transitions"]] == ["PROPOSED", "DENIED"]
    assert view == order_view(view["id"])
    assert balance("USDT", "available") == 1000
    assert not LedgerTransfer.objects.filter(order_id=view["id"]).exists()
    desk.assert_books_balance()


def test_the_same_order_id_is_proposed_once(desk):
    order_id = uuid4()
    first = propose(desk, order_id=order_id)
    assert propose(desk, order_id=order_id, quantity=Decimal("0.001")) == first
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("code", "error", "fields"),
    [
        ("unknown_instrument", NotFound, {"symbol": "DOGE/USDT"}),
        ("invalid_choice", Refused, {"side": "long"}),
        ("not_positive", Refused, {"quantity": Decimal(-1)}),
        ("required", Refused, {"type": "trailing_stop"}),
    ],
)
def test_what_can_not_be_understood_leaves_nothing_behind(desk, code, error, fields):
    events = OutboxEvent.objects.count()
    with pytest.raises(error) as refused:
        propose(desk, **fields)
    assert refused.value.code == code
    assert (Order.objects.count(), OutboxEvent.objects.count()) == (0, events)


@pytest.mark.django_db(transaction=True)
def test_two_threads_race_for_the_last_cash_and_one_is_denied(desk):
    limits(desk, max_order_notional="1000", max_position_share="1", max_gross_exposure="1", max_asset_share="1")
    ready, moment = Barrier(2), desk.moment()

    def buy(_):
        try:
            ready.wait(10)
            return propose_order(intent=intent(quantity=Decimal("0.012")), moment=moment)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        views = sorted(pool.map(buy, range(2)), key=lambda view: view["state"])
    assert [view["state"] for view in views] == ["APPROVED", "DENIED"]
    assert "balance" in denials(views[1])
    assert balance("USDT", "available") == Decimal(1000) - Decimal("612.612")
    desk.assert_books_balance()


def test_a_third_full_position_is_denied_by_gross_exposure(desk):
    desk.buy(quantity="0.0049")
    desk.buy(symbol="ETH/USDT", quantity="0.098")
    view = propose(desk, symbol="SOL/USDT", quantity=Decimal("2.4"))
    # Forty bars of history are too few to measure correlation, so the three count as one.
    assert denials(view) == ["max_gross_exposure", "correlation"]
    assert "at most 60 % is allowed" in view["reject_detail"]


def test_a_pending_buy_counts_against_exposure_before_it_fills(desk):
    propose(desk)
    assert denials(propose(desk)) == ["max_position", "concentration"]


def test_a_paused_instrument_takes_no_buy_and_lets_sales_through(desk):
    desk.buy()
    pause_instrument(symbol="BTC/USDT", actor="tester", reason="odd prices", moment=desk.moment())
    assert denials(propose(desk, quantity=Decimal("0.0005"))) == ["instrument_paused"]
    sale = propose(desk, side="sell", quantity=Decimal("0.004"), reduce_only=True)
    assert sale["state"] == "APPROVED"


def test_more_than_is_held_can_not_be_sold(desk):
    desk.buy()
    assert denials(propose(desk, side="sell", quantity=Decimal("0.00401"))) == ["balance"]
    propose(desk, side="sell", quantity=Decimal("0.003"))
    assert denials(propose(desk, side="sell", quantity=Decimal("0.002"))) == ["balance"]


def test_cancelling_here_gives_the_funds_back_at_once(desk):
    view = propose(desk, type="limit", limit_price=Decimal(40_000))
    done = cancel_order(order_id=view["id"], actor="tester", reason="changed my mind", moment=desk.moment())
    assert (done["state"], done["reserved_left"]) == ("CANCELED", "0")
    assert done["transitions"][-1]["note"] == "changed my mind"
    assert balance("USDT", "available") == 1000
    with pytest.raises(Conflict) as refused:
        cancel_order(order_id=view["id"], actor="tester", reason="", moment=desk.moment())
    assert refused.value.code == "order_finished"
    with pytest.raises(NotFound):
        cancel_order(order_id=uuid4(), actor="tester", reason="", moment=desk.moment())
    desk.assert_books_balance()


def test_a_protective_stop_is_not_cancelled_by_hand(desk):
    desk.buy()
    with pytest.raises(Conflict) as refused:
        cancel_order(order_id=desk.stops()[0].pk, actor="tester", reason="", moment=desk.moment())
    assert refused.value.code == "protective_stop"


def test_a_halt_refuses_cancels_survives_and_needs_a_reason_to_end(desk):
    desk.buy()
    waiting = propose(desk, symbol="ETH/USDT", quantity=Decimal("0.04"), type="limit", limit_price=Decimal(2000))
    halted = halt_trading(actor="tester", reason="", flatten=False, moment=desk.moment())
    assert (halted["state"], halted["canceled_orders"], halted["open_positions"]) == (
        "HALTED",
        [waiting["id"]],
        ["BTC/USDT"],
    )
    assert order_view(waiting["id"])["state"] == "CANCELED"
    assert desk.stops()[0].state == "ARMED"
    assert denials(propose(desk, symbol="ETH/USDT", quantity=Decimal("0.04"))) == ["trading_state"]
    assert denials(propose(desk, side="sell", reduce_only=True)) == ["trading_state"]
    again = halt_trading(actor="other", reason="again", flatten=False, moment=desk.moment())
    assert again["newly_halted"] is False
    assert StateCause.objects.count() == 1
    with pytest.raises(Refused) as refused:
        resume_trading(actor="tester", reason="  ", moment=desk.moment())
    assert (refused.value.code, refused.value.field) == ("required", "reason")
    assert state_view()["state"] == "HALTED"
    resumed = resume_trading(actor="tester", reason="checked", moment=desk.moment())
    assert (resumed["state"], resumed["causes"]) == ("ACTIVE", [])
    assert state_view()["history"][0]["close_reason"] == "checked"
    with pytest.raises(Conflict):
        resume_trading(actor="tester", reason="checked", moment=desk.moment())
    assert propose(desk, symbol="ETH/USDT", quantity=Decimal("0.04"))["state"] == "APPROVED"
    assert audit.verify().ok


def test_a_halt_with_flatten_sells_everything(desk):
    desk.buy()
    desk.buy(symbol="ETH/USDT", quantity="0.04")
    halted = halt_trading(actor="tester", reason="enough", flatten=True, moment=desk.moment())
    assert [(sale["instrument"], sale["state"]) for sale in halted["flatten_orders"]] == [
        ("BTC/USDT", "APPROVED"),
        ("ETH/USDT", "APPROVED"),
    ]
    for sale in halted["flatten_orders"]:
        assert desk.send(sale["id"])
    desk.bar()
    assert (desk.position().quantity, desk.position("ETH/USDT").quantity) == (0, 0)
    assert portfolio_view(desk.moment())["positions"] == []
    desk.assert_books_balance()


def test_an_order_approved_before_a_halt_is_not_sent_after_it(desk):
    order_id = desk.propose()
    StateCause.objects.create(
        id=uuid4(),
        kind="operator_stop",
        state="HALTED",
        latched=True,
        author="x",
        reason="x",
        opened_wall=desk.moment().wall,
        opened_firm=desk.moment().firm,
    )
    assert desk.send(order_id) is False
    assert (desk.order(order_id).state, sum(desk.venue.sent.values())) == ("CANCELED", 0)
    desk.assert_books_balance()


def test_role_risk_may_still_close_while_halted(desk):
    desk.buy()
    halt_trading(actor="tester", reason="x", flatten=False, moment=desk.moment())
    closing = {"symbol": "BTC/USDT", "actor": "tester", "reason": "", "moment": desk.moment()}
    assert close_position(**closing)["state"] == "DENIED"
    view = close_position(**closing, privileged=True)
    assert (view["state"], view["quantity"], view["reduce_only"]) == ("APPROVED", "0.004", True)


def test_closing_takes_working_sales_back_first(desk):
    desk.buy()
    resting = propose(desk, side="sell", type="limit", limit_price=Decimal(60_000), quantity=Decimal("0.003"))
    view = close_position(symbol="BTC/USDT", actor="tester", reason="out", moment=desk.moment())
    assert (view["state"], view["quantity"]) == ("APPROVED", "0.004")
    assert order_view(resting["id"])["state"] == "CANCELED"
    desk.send(view["id"])
    desk.bar()
    with pytest.raises(Conflict) as refused:
        close_position(symbol="BTC/USDT", actor="tester", reason="out", moment=desk.moment())
    assert refused.value.code == "no_position"
    desk.assert_books_balance()


def test_limits_are_versioned_and_hold_at_once(desk):
    after = limits(desk, max_order_notional="100")
    assert (after["version"], after["max_order_notional"], after["author"]) == (2, "100", "tester")
    assert list(RiskLimits.objects.order_by("version").values_list("changes", flat=True)) == [
        {},
        {"max_order_notional": {"from": "250", "to": "100"}},
    ]
    assert denials(propose(desk)) == ["max_order_notional"]
    with pytest.raises(Refused) as refused:
        change_limits(changes={"max_order_notional": "200"}, actor="tester", reason="", moment=desk.moment())
    assert refused.value.field == "reason"
    assert limits_view()["version"] == 2


def test_the_daily_loss_latches_and_is_measured_anew_after_a_resume(desk):
    limits(
        desk, max_daily_loss="0.01", min_stop_distance="0.4", max_stop_distance="0.5", stop_volatility_multiple="100"
    )
    desk.buy()
    desk.bar(BTC=(46_000, 46_000, 46_000, 46_000))
    cause = StateCause.objects.get()
    assert (cause.kind, cause.state, cause.latched) == ("daily_loss", "REDUCING", True)
    view = propose(desk, symbol="ETH/USDT", quantity=Decimal("0.01"))
    assert denials(view) == ["trading_state", "daily_loss"]
    assert propose(desk, side="sell", quantity=Decimal("0.001"))["state"] == "APPROVED"
    assert monitor_risk(moment=desk.moment()) == []
    resume_trading(actor="tester", reason="accepted", moment=desk.moment())
    assert monitor_risk(moment=desk.moment()) == []
    assert propose(desk, symbol="ETH/USDT", quantity=Decimal("0.01"))["state"] == "APPROVED"


def test_a_drawdown_halts(desk):
    limits(desk, max_drawdown="0.01", max_daily_loss="0.5", min_stop_distance="0.4", max_stop_distance="0.5")
    desk.buy()
    desk.bar(BTC=(46_000, 46_000, 46_000, 46_000))
    assert state_view()["state"] == "HALTED"
    assert StateCause.objects.get().kind == "drawdown"


def test_equity_makes_the_peak_and_a_new_day_makes_its_start(desk):
    desk.buy()
    desk.bar(BTC=(52_000, 52_000, 52_000, 52_000))
    portfolio = Portfolio.objects.get()
    assert portfolio.peak_equity > 1000
    assert portfolio.day_start_equity == 1000
    desk.market.bar_at = desk.market.bar_at.replace(hour=23, minute=59)
    desk.bar()
    portfolio.refresh_from_db()
    assert portfolio.day == desk.market.bar_at.date()
    assert portfolio.day_start_equity > 1000


def test_a_target_becomes_an_order_once_and_a_second_one_says_it_is_working(desk):
    target = TargetExposure("BTC/USDT", 1.0, 200.0, uuid4(), "three agents agree")
    first = propose_target(target=target, moment=desk.moment())
    assert first.outcome == "ORDER"
    assert propose_target(target=target, moment=desk.moment()).order_id == first.order_id
    order = Order.objects.get()
    assert (order.origin, order.decision_id, order.quantity) == ("consensus", target.decision_id, Decimal("0.005"))
    other = propose_target(target=TargetExposure("BTC/USDT", 0.0, None, uuid4(), "x"), moment=desk.moment())
    assert (other.outcome, other.code) == ("NO_TRADE", "already_there")
    more = propose_target(target=TargetExposure("BTC/USDT", 0.5, 200.0, uuid4(), "x"), moment=desk.moment())
    assert (more.outcome, more.code) == ("NO_TRADE", "order_working")


def test_a_target_may_be_denied_and_says_why(desk):
    halt_trading(actor="tester", reason="x", flatten=False, moment=desk.moment())
    answer = propose_target(target=TargetExposure("BTC/USDT", 1.0, 200.0, uuid4(), "x"), moment=desk.moment())
    assert (answer.outcome, answer.code) == ("DENIED", "trading_halted")
    assert Order.objects.get().pk == answer.order_id
    assert answer.sizing["lots"] == 500


def test_a_target_of_zero_sells_all_and_a_poor_edge_buys_nothing(desk):
    poor = propose_target(target=TargetExposure("BTC/USDT", 1.0, 5.0, uuid4(), "x"), moment=desk.moment())
    assert (poor.outcome, poor.code) == ("NO_TRADE", "edge_below_costs")
    desk.buy()
    out = propose_target(target=TargetExposure("BTC/USDT", 0.0, None, uuid4(), "x"), moment=desk.moment())
    assert out.outcome == "ORDER"
    desk.send(out.order_id)
    desk.bar()
    assert desk.position().quantity == 0
    back = propose_target(target=TargetExposure("BTC/USDT", 1.0, 200.0, uuid4(), "x"), moment=desk.moment())
    assert (back.outcome, back.code) == ("NO_TRADE", "cooling_down")
    desk.assert_books_balance()


def test_an_armed_buy_is_judged_again_when_it_fires(desk):
    view = propose(desk, type="stop", stop_price=Decimal(51_000), quantity=Decimal("0.002"))
    assert view["state"] == "ARMED"
    desk.bar(BTC=(50_000, 52_000, 50_000, 52_000))
    fired = desk.order(view["id"])
    assert fired.triggered_firm is not None
    assert fired.reserved_left >= Decimal("0.002") * 52_000
    desk.bar()
    assert desk.order(view["id"]).state == "FILLED"
    desk.assert_books_balance()


def test_an_armed_buy_that_the_gate_no_longer_likes_is_denied_and_gives_its_funds_back(desk):
    view = propose(desk, type="stop", stop_price=Decimal(51_000), quantity=Decimal("0.002"))
    pause_instrument(symbol="BTC/USDT", actor="tester", reason="odd", moment=desk.moment())
    assert fire_armed_order(order_id=Order.objects.get().pk, moment=desk.moment()) is False
    after = order_view(view["id"])
    assert (after["state"], after["reject_code"], after["reserved_left"]) == ("DENIED", "instrument_paused", "0")
    assert balance("USDT", "available") == 1000
    desk.assert_books_balance()


def test_the_portfolio_adds_up(desk):
    desk.buy()
    desk.bar(BTC=(50_000, 50_500, 50_000, 50_500))
    view = portfolio_view(desk.moment())
    numbers = {name: Decimal(view[name]) for name in ("cash", "reserved", "market_value", "equity", "pnl")}
    assert numbers["equity"] == numbers["cash"] + numbers["reserved"] + numbers["market_value"]
    results = Decimal(view["realized_pnl"]) + Decimal(view["unrealized_pnl"]) - Decimal(view["fees_paid"])
    assert numbers["pnl"] == numbers["equity"] - 1000 == results
    [position] = view["positions"]
    assert Decimal(position["share_of_equity"]) == pytest.approx(
        numbers["market_value"] / numbers["equity"], abs=Decimal("1e-6")
    )
    assert Decimal(position["stop_price"]) < Decimal(position["average_price"])
