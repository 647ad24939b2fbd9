"""Fees in units of what was bought, in a third asset, as rebates; what is left when a rest is too small to sell."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.errors import Conflict
from apps.foundation.models import OutboxEvent
from apps.market.queries import bars_of
from apps.trading.models import Fill, LedgerAccount, Order, Portfolio
from apps.trading.operations.accounts.open_account import disable_account
from apps.trading.operations.books.take_fill import take_fill
from apps.trading.operations.orders.close_position import close_position
from apps.trading.operations.risk.halt_trading import halt_trading
from apps.trading.queries.portfolio import portfolio_view
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def told(desk, order_id, **changes):
    """The trade that the paper exchange made of this order, as another exchange might tell of it."""
    desk.send(order_id)
    bar = desk.market.bar_at
    desk.market.bar()
    shown = bars_of(symbols=["BTC/USDT"], after=bar, until=desk.market.bar_at, base="1m")
    desk.venue.match_bars(closed_at=desk.market.bar_at, bars=shown)
    page = desk.venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)
    fill = next(fill for fill in page.fills if fill.client_order_id == desk.order(order_id).client_order_id)
    assert take_fill(fill=replace(fill, **changes), venue=desk.venue, moment=desk.moment())
    return fill


def balance(asset, kind):
    return LedgerAccount.objects.values_list("balance", flat=True).get(asset=asset, kind=kind)


def incidents(kind):
    return [
        event.payload for event in OutboxEvent.objects.filter(kind="incident.wanted") if event.payload["kind"] == kind
    ]


def test_a_fee_in_units_makes_the_position_smaller_and_costs_its_worth(desk):
    order_id = desk.propose(quantity="0.004")
    fill = told(desk, order_id, fee=D("0.000004"), fee_asset="BTC")
    position, order = desk.position(), desk.order(order_id)
    assert (order.state, order.filled_quantity) == ("FILLED", D("0.004"))
    assert position.quantity == D("0.003996")
    worth = D("0.000004") * fill.price
    assert (position.fees, order.fees, Fill.objects.get().fee_quote) == (worth, worth, worth)
    assert order.filled_cost == D("0.004") * fill.price == position.cost + worth
    assert balance("USDT", "available") == 1000 - D("0.004") * fill.price
    assert (balance("BTC", "position"), balance("BTC", "fees")) == (D("0.003996"), D("0.000004"))
    desk.assert_books_balance()


def test_what_was_received_is_sold_in_whole_steps_and_the_rest_is_dust_that_is_told_once(desk):
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    assert [(stop.state, stop.quantity) for stop in desk.stops()] == [("ARMED", D("0.003995877"))]
    told(desk, desk.propose(side="sell", quantity="0.00399", reduce_only=True))
    left = D("0.000005877")
    assert desk.position().quantity == left
    assert [stop.state for stop in desk.stops()] == ["CANCELED"]
    assert len(incidents("position_dust")) == 1
    for _ in range(3):
        desk.bar()
    assert len(desk.stops()) == 1, "the guard arms nothing that could not be sold"
    assert len(incidents("position_dust")) == 1
    assert not incidents("position_uncovered")
    desk.assert_books_balance()


def test_a_stop_that_fires_sells_whole_steps(desk):
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    for _ in range(4):
        desk.bar(BTC=(40_000, 40_000, 40_000, 40_000))
    sold = [stop for stop in desk.stops() if stop.state == "FILLED"]
    assert [stop.filled_quantity for stop in sold] == [D("0.00399")]
    assert desk.position().quantity == D("0.000005877")
    desk.assert_books_balance()


def test_a_profit_is_taken_in_whole_steps(desk):
    bracket = desk.propose(type="bracket", take_profit_price=D(50_500), stop_loss_price=D(49_000))
    told(desk, bracket, fee=D("0.000004123"), fee_asset="BTC")
    desk.guard()
    desk.bar(BTC=(50_000, 50_500, 50_000, 50_490))
    desk.bar(BTC=(50_520, 50_600, 50_510, 50_600))
    exit_ = Order.objects.get(group=desk.order(bracket).group, role="take_profit")
    assert (exit_.state, exit_.filled_quantity) == ("FILLED", D("0.00399")), exit_.reject_detail
    assert desk.position().quantity == D("0.000005877")
    desk.assert_books_balance()


@pytest.mark.parametrize("how", ["close", "stop with flatten"])
def test_a_position_is_closed_in_whole_steps(desk, how):
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    if how == "close":
        sale = close_position(symbol="BTC/USDT", actor="tester", reason="out", moment=desk.moment())["id"]
    else:
        sale = halt_trading(actor="tester", reason="x", flatten=True, moment=desk.moment())["flatten_orders"][0]["id"]
    assert (desk.order(sale).state, desk.order(sale).quantity) == ("APPROVED", D("0.00399"))
    desk.send(sale)
    desk.bar()
    assert desk.position().quantity == D("0.000005877")
    with pytest.raises(Conflict) as refused:
        close_position(symbol="BTC/USDT", actor="tester", reason="out", moment=desk.moment())
    assert refused.value.code == "position_is_dust"
    disable_account(name="paper", actor="tester", reason="Only dust is left.", moment=desk.moment())
    desk.assert_books_balance()


def test_a_position_sold_down_to_dust_has_ended_and_the_next_buy_has_a_stop_of_its_own(desk):
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    old_stop = desk.position().stop_price
    for _ in range(4):
        desk.bar(BTC=(40_000, 40_000, 40_000, 40_000))
    held = desk.position()
    assert held.quantity == D("0.000005877")
    assert portfolio_view(desk.moment())["positions"][0]["stop_price"] is None
    assert held.closed_firm is not None
    assert Portfolio.objects.get().losses_in_row == 1
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    held = desk.position()
    assert held.stop_price < D(40_000) < old_stop, "the stop of the position before would sell at once"
    assert (held.closed_firm, held.opened_firm > desk.moment().firm - timedelta(minutes=5)) == (None, True)
    desk.assert_books_balance()


def test_dust_is_sold_with_what_is_bought_later(desk):
    told(desk, desk.propose(quantity="0.004"), fee=D("0.000004123"), fee_asset="BTC")
    told(desk, desk.propose(side="sell", quantity="0.00399", reduce_only=True))
    desk.buy(quantity="0.002")
    assert [stop.quantity for stop in desk.stops() if stop.state == "ARMED"] == [D("0.002005877")]
    desk.assert_books_balance()


def test_a_fee_in_a_third_asset_is_posted_against_what_the_venue_must_have_had(desk):
    fill = told(desk, desk.propose(quantity="0.004"), fee=D("0.0003"), fee_asset="BNB")
    assert (desk.position().quantity, desk.position().fees) == (D("0.004"), 0)
    assert (balance("BNB", "available"), balance("BNB", "fees"), balance("BNB", "external")) == (
        0,
        D("0.0003"),
        D("-0.0003"),
    )
    assert balance("USDT", "available") == 1000 - D("0.004") * fill.price
    desk.assert_books_balance()


def test_a_fee_in_units_that_are_held_takes_them_from_their_position(desk):
    """As where the exchange's own coin pays the fees and is traded, too."""
    desk.buy(symbol="ETH/USDT", quantity="0.1")
    paid = desk.position("ETH/USDT").cost
    told(desk, desk.propose(quantity="0.004"), fee=D("0.001"), fee_asset="ETH")
    coin = desk.position("ETH/USDT")
    worth = paid / 100
    assert (coin.quantity, coin.cost, coin.realized_pnl) == (D("0.099"), paid - worth, 0)
    assert coin.fees == LedgerAccount.objects.get(asset="USDT", kind="fees").balance - desk.position().fees
    assert coin.fees >= worth
    assert (balance("ETH", "position"), balance("ETH", "available"), balance("ETH", "fees")) == (
        D("0.099"),
        0,
        D("0.001"),
    )
    assert [stop.quantity for stop in desk.stops("ETH/USDT") if stop.state == "ARMED"] == [D("0.099")]
    desk.assert_books_balance()


def test_a_rebate_makes_the_position_larger(desk):
    told(desk, desk.propose(quantity="0.004"), fee=D("-0.000001"), fee_asset="BTC")
    assert desk.position().quantity == D("0.004001")
    assert desk.position().fees < 0
    desk.assert_books_balance()
