"""Loss limits with orders in flight, conditions that clear themselves, budgets that two agents race for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections

from apps.foundation.errors import Conflict, OutcomeUnknown, Refused
from apps.management.operations import check_books
from apps.market.models import Instrument
from apps.trading import queries
from apps.trading.domain.books.ledger_postings import budget_of
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import LedgerAccount, Order, Portfolio, StateCause
from apps.trading.operations.accounts.set_agent_budget import set_agent_budget
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.risk.change_limits import change_limits
from apps.trading.operations.risk.latch_cause import latch_foreign_trade
from apps.trading.operations.risk.monitor_risk import monitor_risk
from apps.trading.operations.risk.resume_trading import resume_trading
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def limits(desk, **changes):
    change_limits(changes=changes, actor="tester", reason="for a test", moment=desk.moment())


def wish(**fields) -> OrderIntent:
    return OrderIntent(**({"symbol": "ETH/USDT", "side": "buy", "quantity": D("0.01"), "actor": "tester"} | fields))


def denials(desk, **fields):
    view = propose_order(intent=wish(**fields), moment=desk.moment())
    return [verdict["rule"] for verdict in view["verdicts"] if not verdict["allowed"]]


def open_kinds():
    return sorted(StateCause.objects.filter(closed_wall=None).values_list("kind", flat=True))


def five_in_flight(desk):
    """Five buys of 49 each at 50,000 whose outcome nobody knows: nothing of them is in the books but the funds."""
    limits(desk, max_unknown_orders=9)
    desk.venue.before_submit = OutcomeUnknown("The line went dead.")
    orders = [desk.propose(quantity="0.00098") for _ in range(5)]
    for order_id in orders:
        desk.send(order_id)
    desk.venue.before_submit = None
    assert set(Order.objects.values_list("state", flat=True)) == {"UNKNOWN"}
    return orders


def test_a_mark_that_falls_while_five_orders_are_in_flight_latches_before_the_next_approval(desk):
    five_in_flight(desk)
    desk.market.bar(BTC=(39_000, 39_000, 39_000, 39_000))
    assert Portfolio.objects.get().day_start_equity == 1000
    assert queries.portfolio_view(desk.moment())["equity"] == "1000", "the books alone show no loss at all"
    assert open_kinds() == []
    assert denials(desk) == ["daily_loss"]
    assert open_kinds() == ["daily_loss"], "latched by the very transaction that judged"
    assert denials(desk) == ["trading_state", "daily_loss"]
    cause = StateCause.objects.get()
    assert (cause.account, cause.state, cause.latched) == ("paper", "REDUCING", True)
    assert cause.facts["in_flight_loss"] == "53.9"
    assert "orders in flight" in cause.reason
    # The price comes back: the cause stays, and only a person ends it.
    desk.market.bar(BTC=(50_000, 50_000, 50_000, 50_000))
    monitor_risk(moment=desk.moment())
    assert denials(desk) == ["trading_state"]
    resume_trading(actor="boss", reason="looked at it", moment=desk.moment())
    assert denials(desk) == []


def test_the_monitor_counts_what_is_in_flight_too(desk):
    five_in_flight(desk)
    desk.market.bar(BTC=(39_000, 39_000, 39_000, 39_000))
    assert monitor_risk(moment=desk.moment()) == ["daily_loss"]
    assert monitor_risk(moment=desk.moment()) == []


def test_a_halting_fall_lets_only_exits_through(desk):
    desk.buy(quantity="0.0049")
    limits(desk, max_drawdown="0.01")
    desk.market.bar(BTC=(45_000, 45_000, 45_000, 45_000))
    assert "drawdown" in monitor_risk(moment=desk.moment())
    assert queries.trading_state("paper").state == "HALTED"
    assert "trading_state" in denials(desk)
    sale = {"symbol": "BTC/USDT", "side": "sell", "quantity": D("0.0049"), "reduce_only": True}
    assert denials(desk, **sale) == ["trading_state"], "a trader's sale needs role risk in a halt"
    assert denials(desk, **sale, privileged=True) == []


def test_too_many_unknown_orders_restrict_until_half_are_found_for_a_while(desk):
    orders = five_in_flight(desk)
    limits(desk, max_unknown_orders=2)
    assert monitor_risk(moment=desk.moment()) == ["unknown_cap"]
    assert queries.trading_state("paper").state == "REDUCING"
    Order.objects.filter(pk__in=orders[:3]).update(state="ACCEPTED")
    monitor_risk(moment=desk.moment())
    assert open_kinds() == ["unknown_cap"], "two of two is the cap, not half of it"
    Order.objects.filter(pk=orders[3]).update(state="ACCEPTED")
    monitor_risk(moment=desk.moment())
    assert open_kinds() == ["unknown_cap"], "it must be over for a while"
    desk.market.bar()
    monitor_risk(moment=desk.moment())
    assert open_kinds() == []


def silent_bars(desk, count, *, without):
    """Bars in which these instruments lost their candles."""
    from apps.market.models import StoredCandle

    for _ in range(count):
        desk.market.bar()
        StoredCandle.objects.filter(
            instrument_id__in=without, open_at=desk.market.bar_at - timedelta(minutes=1)
        ).delete()


def test_a_held_instrument_without_fresh_prices_restricts_the_house_and_clears(desk):
    desk.buy()
    silent_bars(desk, 5, without=["BTC/USDT"])
    assert monitor_risk(moment=desk.moment()) == ["stale_data"]
    cause = StateCause.objects.get()
    assert (cause.account, cause.reason) == ("", "No fresh price of BTC/USDT, which is held.")
    assert "trading_state" in denials(desk)
    desk.market.bar()
    monitor_risk(moment=desk.moment())
    assert StateCause.objects.get().well_since == desk.market.bar_at
    silent_bars(desk, 5, without=["BTC/USDT"])
    monitor_risk(moment=desk.moment())
    assert StateCause.objects.get().well_since is None, "it set in again: the time begins anew"
    desk.market.bar()
    monitor_risk(moment=desk.moment())
    desk.market.bar()
    monitor_risk(moment=desk.moment())
    assert open_kinds() == []


def test_one_stale_instrument_that_is_not_held_restricts_nothing(desk):
    silent_bars(desk, 5, without=["SOL/USDT"])
    assert monitor_risk(moment=desk.moment()) == []


def test_a_foreign_trade_halts_its_account_until_a_person_answers_for_it(desk):
    wrong = {"account": "paper", "detail": "a sale of 1 BTC", "facts": {"trade": "7"}, "moment": desk.moment()}
    assert latch_foreign_trade(**wrong)
    assert not latch_foreign_trade(**wrong)
    assert queries.trading_state("paper").state == "HALTED"
    assert queries.trading_state("other").state == "ACTIVE"
    assert denials(desk) == ["trading_state"]
    with pytest.raises(Conflict):
        resume_trading(actor="boss", reason="mine", account="other", moment=desk.moment())
    with pytest.raises(Refused):
        resume_trading(actor="boss", reason=" ", account="paper", moment=desk.moment())
    assert resume_trading(actor="boss", reason="mine", account="paper", moment=desk.moment())["state"] == "ACTIVE"


@pytest.mark.django_db(transaction=True)
def test_books_that_do_not_balance_halt_the_house(desk):
    LedgerAccount.objects.filter(kind="available").update(balance=D(999))
    assert not check_books(moment=desk.moment())
    assert open_kinds() == ["failed_invariant"]
    LedgerAccount.objects.filter(kind="available").update(balance=D(1000))
    assert check_books(moment=desk.moment())
    assert open_kinds() == ["failed_invariant"], "it stays until a person has looked"


def test_new_rules_of_the_venue_deny_here_and_nothing_is_sent(desk):
    Instrument.objects.filter(pk="ETH/USDT").update(step_size=D("0.1"), min_notional=D(50))
    sent = desk.venue.sent.total()
    assert denials(desk) == ["instrument_rules", "min_notional"]
    desk.sweep()
    assert desk.venue.sent.total() == sent


def fund(desk, agent, amount):
    return set_agent_budget(agent_id=agent, amount=D(amount), actor="boss", reason="for a test", moment=desk.moment())


def test_an_agents_orders_are_paid_from_its_budget_only(desk):
    agent = uuid4()
    assert fund(desk, agent, 100)["free"] == "100"
    assert queries.portfolio_view(desk.moment())["equity"] == "1000"
    assert denials(desk, agent_id=agent, quantity=D("0.05")) == ["agent_budget"]
    view = propose_order(intent=wish(agent_id=agent, quantity=D("0.03")), moment=desk.moment())
    assert view["state"] == "APPROVED"
    assert queries.budget_view(agent_id=agent)["reserved"] == view["reserved_left"] == "76.5765"
    assert denials(desk, agent_id=agent, quantity=D("0.01")) == ["agent_budget"]
    assert denials(desk, quantity=D("0.05")) == [], "the firm's own money is there for others"
    desk.send(view["id"])
    desk.bar()
    left = queries.budget_view(agent_id=agent)
    assert left["reserved"] == "0"
    assert D(left["free"]) == 100 - desk.order(view["id"]).filled_cost - desk.order(view["id"]).fees
    desk.assert_books_balance()


@pytest.mark.parametrize("seller", ["its agent", "another agent", "a person", "the guard"])
def test_what_a_position_brings_in_goes_back_to_the_budget_that_paid_for_it(desk, seller):
    agent, other = uuid4(), uuid4()
    fund(desk, agent, 100)
    fund(desk, other, 100)
    desk.buy(symbol="ETH/USDT", quantity="0.03", agent_id=agent)
    assert "agent_budget" in denials(desk, agent_id=other)
    assert "agent_budget" in denials(desk), "nor from the firm's own money"
    if seller == "the guard":
        low = desk.stops("ETH/USDT")[0].stop_price
        desk.bar(ETH=(low, low, low, low))
        desk.bar(ETH=(2_500, 2_500, 2_500, 2_500))
    else:
        by = {"its agent": agent, "another agent": other}.get(seller)
        order_id = desk.propose(symbol="ETH/USDT", side="sell", quantity="0.03", agent_id=by)
        desk.send(order_id)
        desk.bar()
    assert desk.position("ETH/USDT").quantity == 0
    assert queries.budget_view(agent_id=other)["free"] == "100"
    left = D(queries.budget_view(agent_id=agent)["free"])
    assert 99 < left < 100, "all but fees and spread came back"
    assert fund(desk, agent, 0)["free"] == "0"
    assert denials(desk, agent_id=agent) == ["agent_budget"], "an empty budget is a budget"
    desk.assert_books_balance()


@pytest.mark.parametrize(("amount", "code"), [("1000.01", "insufficient_balance"), ("-1", "not_positive")])
def test_a_budget_the_firm_can_not_pay_is_refused(desk, amount, code):
    with pytest.raises(Refused) as refused:
        fund(desk, uuid4(), amount)
    assert (refused.value.field, refused.value.code) == ("amount", code)


@pytest.mark.django_db(transaction=True)
def test_two_agents_race_for_the_last_of_a_budget_and_never_reserve_more(desk):
    """A hundred wishes of two agents and of the firm in eight threads."""
    limits(desk, max_open_orders=1000, max_orders_per_hour=10_000, max_gross_exposure="1", max_asset_share="1")
    limits(desk, max_position_share="1", max_correlated_share="1")
    agents = [uuid4(), uuid4(), None]
    for agent in agents[:2]:
        fund(desk, agent, 300)
    start, moment = Barrier(8), desk.moment()

    def trade(worker):
        try:
            start.wait(20)
            return [
                propose_order(intent=wish(agent_id=agents[(worker + turn) % 3]), moment=moment)["state"]
                for turn in range(13)
            ]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        states = [state for found in pool.map(trade, range(8)) for state in found]
    assert states.count("APPROVED") > 0
    assert states.count("DENIED") > 0
    for agent, pot in ((agents[0], 300), (agents[1], 300), (None, 400)):
        mine = Order.objects.filter(agent_id=agent, state="APPROVED")
        reserved = sum(mine.values_list("reserved_left", flat=True))
        assert pot - D("25.6") < reserved <= pot, "spent to the last order that fits, and no further"
        name = budget_of(agent) if agent else "firm"
        assert LedgerAccount.objects.get(budget=name, kind="reserved", asset="USDT").balance == reserved
    desk.assert_books_balance()
