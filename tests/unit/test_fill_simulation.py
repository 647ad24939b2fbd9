"""The paper venue's matching: never better than the market, through-trade only, volume shared, sums that add up."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.foundation.money import ZERO
from apps.trading.domain.venues.fill_simulation import (
    MarketSlice,
    WorkingOrder,
    match_order,
    match_orders,
    rested,
    slice_of_bar,
    slice_of_quote,
)
from apps.trading.domain.venues.paper_terms import PAPER_TERMS, STOCK_TERMS, terms_of

TICK, STEP = Decimal("0.01"), Decimal("0.001")
D = Decimal

prices = st.integers(min_value=100, max_value=10_000_000).map(lambda cents: Decimal(cents) / 100)
quantities = st.integers(min_value=1, max_value=1_000_000).map(lambda lots: Decimal(lots) / 1000)
sides = st.sampled_from(["buy", "sell"])
times_in_force = st.sampled_from(["GTC", "IOC", "FOK"])


@st.composite
def bars(draw):
    opening, high, low, volume = draw(prices), draw(prices), draw(prices), draw(quantities)
    low, opening, high = sorted((opening, high, low))
    return slice_of_bar(opening=opening, high=high, low=low, volume=volume, terms=PAPER_TERMS)


@st.composite
def working_orders(draw, *, order_id="o1"):
    kind = draw(st.sampled_from(["market", "limit"]))
    return WorkingOrder(
        order_id=order_id,
        side=draw(sides),
        type=kind,
        remaining=draw(quantities),
        limit_price=draw(prices) if kind == "limit" else None,
        time_in_force=draw(times_in_force),
        resting=draw(st.booleans()),
    )


def matched(order, market, left=None):
    left = market.volume * PAPER_TERMS.volume_share if left is None else left
    return match_order(order=order, market=market, left=left, tick=TICK, step=STEP, terms=PAPER_TERMS)


@given(working_orders(), bars())
def test_a_fill_is_never_better_than_the_market_nor_worse_than_the_limit(order, market):
    fill = matched(order, market).fill
    if fill is None:
        return
    buying = order.side == "buy"
    if fill.liquidity == "taker":
        assert fill.price > market.ask if buying else fill.price < market.bid
        if order.limit_price is not None:
            assert fill.price <= order.limit_price if buying else fill.price >= order.limit_price
    else:
        assert fill.price == order.limit_price
        assert market.lowest < fill.price if buying else market.highest > fill.price


@given(working_orders(), bars())
def test_a_fill_is_a_multiple_of_the_step_within_the_order_and_the_volume_share(order, market):
    outcome = matched(order, market)
    if outcome.fill is None:
        assert outcome.ended != "FILLED"
        return
    quantity = outcome.fill.quantity
    assert quantity > 0
    assert quantity % STEP == 0
    assert quantity <= order.remaining
    assert quantity <= market.volume * PAPER_TERMS.volume_share
    assert (outcome.ended == "FILLED") == (quantity == order.remaining)


@given(working_orders(), st.lists(bars(), min_size=1, max_size=30))
def test_partial_fills_over_many_bars_sum_to_no_more_than_the_order(order, slices):
    wanted, total, ended = order.remaining, ZERO, None
    for market in slices:
        outcome = matched(order, market)
        total += outcome.fill.quantity if outcome.fill else ZERO
        order, ended = rested(order, outcome), outcome.ended
        assert total + order.remaining == wanted
        if ended:
            break
    assert total <= wanted
    assert (ended == "FILLED") == (total == wanted)


@given(st.lists(working_orders(), min_size=1, max_size=6), bars(), st.randoms())
def test_orders_share_one_volume_and_the_order_of_arrival_in_the_list_does_not_matter(orders, market, random):
    orders = [replace(order, order_id=f"o{number}") for number, order in enumerate(orders)]
    shuffled = list(orders)
    random.shuffle(shuffled)

    def run(these):
        return match_orders(orders=these, market=market, taken=ZERO, tick=TICK, step=STEP, terms=PAPER_TERMS)

    outcomes = run(orders)
    assert run(shuffled) == outcomes
    taken = sum((outcome.fill.quantity for outcome in outcomes if outcome.fill), ZERO)
    assert taken <= market.volume * PAPER_TERMS.volume_share


BAR = MarketSlice(bid=D("99.99"), ask=D("100.01"), lowest=D("95"), highest=D("105"), volume=D(1000))


def limit(side, price, **changes):
    return WorkingOrder(
        order_id="o", side=side, type="limit", remaining=D(1), limit_price=D(price), resting=True, **changes
    )


def test_a_touch_fills_nothing_and_one_tick_through_fills_at_the_limit():
    assert matched(limit("buy", "95"), BAR).fill is None
    through = matched(limit("buy", "95.01"), BAR).fill
    assert (through.price, through.liquidity) == (D("95.01"), "maker")
    assert matched(limit("sell", "105"), BAR).fill is None
    assert matched(limit("sell", "104.99"), BAR).fill.price == D("104.99")


def test_a_market_order_pays_half_the_spread_slippage_and_impact():
    order = WorkingOrder(order_id="o", side="buy", type="market", remaining=D(50))
    fill = matched(order, BAR).fill
    # half of the 100 units it may take: 1 + 5 x 0.5 = 3.5 basis points over the ask, rounded up to the tick
    assert fill.price == D("100.05")
    assert fill.fee == D("50") * D("100.05") * D("0.001")
    sold = matched(replace(order, side="sell"), BAR).fill
    assert sold.price == D("99.95")


def test_an_arriving_limit_that_crosses_takes_and_one_that_does_not_rests():
    crossing = replace(limit("buy", "101"), resting=False)
    assert matched(crossing, BAR).fill.liquidity == "taker"
    assert matched(crossing, BAR).fill.price == D("100.03")
    between = replace(limit("buy", "100.01"), resting=False)
    assert matched(between, BAR).fill.liquidity == "maker"


def test_post_only_that_would_take_is_rejected_and_otherwise_rests():
    assert matched(replace(limit("buy", "101", post_only=True), resting=False), BAR).ended == "REJECTED"
    assert matched(replace(limit("buy", "96", post_only=True), resting=False), BAR).fill.liquidity == "maker"


def test_post_only_is_refused_where_it_meets_the_other_side_even_if_slippage_would_keep_it_from_trading():
    touching = replace(limit("buy", "100.01", post_only=True), resting=False)
    assert (matched(touching, BAR).ended, matched(touching, BAR).fill) == ("REJECTED", None)
    one_tick_off = replace(limit("buy", "100.00", post_only=True), resting=False)
    assert matched(one_tick_off, BAR).ended != "REJECTED"
    later = replace(touching, resting=True)
    assert matched(later, BAR).fill.liquidity == "maker", "once it rests, trading is what it waits for"


def test_fill_or_kill_takes_nothing_where_its_funds_pay_for_a_part_only():
    whole = WorkingOrder(order_id="o", side="buy", type="market", remaining=D(2), time_in_force="FOK", funds=D(300))
    assert matched(whole, BAR).fill.quantity == 2
    poor = replace(whole, funds=D(150))
    assert (matched(poor, BAR).ended, matched(poor, BAR).fill) == ("CANCELED", None)


@given(working_orders(), bars(), quantities)
def test_fill_or_kill_is_all_or_nothing_whatever_limits_it(order, market, funds):
    wanted = replace(order, time_in_force="FOK", resting=False, funds=funds if order.type == "market" else None)
    outcome = matched(wanted, market)
    if outcome.fill is None:
        assert outcome.ended == "CANCELED"
    else:
        assert (outcome.fill.quantity, outcome.ended) == (wanted.remaining, "FILLED")


def test_fill_or_kill_takes_all_or_nothing():
    order = WorkingOrder(order_id="o", side="buy", type="market", remaining=D(100), time_in_force="FOK")
    assert matched(order, BAR).ended == "FILLED"
    outcome = matched(replace(order, remaining=D("100.001")), BAR)
    assert (outcome.fill, outcome.ended) == (None, "CANCELED")


def test_immediate_or_cancel_keeps_what_it_got():
    order = WorkingOrder(order_id="o", side="sell", type="market", remaining=D(150), time_in_force="IOC")
    outcome = matched(order, BAR)
    assert (outcome.fill.quantity, outcome.ended) == (D(100), "CANCELED")


def test_no_volume_means_no_fill():
    quiet = replace(BAR, volume=ZERO)
    order = WorkingOrder(order_id="o", side="buy", type="market", remaining=D(1))
    assert (matched(order, quiet).fill, matched(order, quiet).ended) == (None, None)


def test_a_quote_fills_a_resting_buy_only_when_the_ask_goes_below_it():
    def at(ask):
        return slice_of_quote(bid=D(ask) - 1, ask=D(ask), volume=D(1000))

    assert matched(limit("buy", "100"), at("100")).fill is None
    assert matched(limit("buy", "100"), at("99.99")).fill.price == D(100)


@given(st.lists(bars(), min_size=1, max_size=10), quantities, st.integers(min_value=1, max_value=10**9))
def test_a_market_buy_never_spends_more_than_its_funds(slices, quantity, cents):
    funds = Decimal(cents) / 100
    order = WorkingOrder(order_id="o", side="buy", type="market", remaining=quantity, funds=funds)
    spent = ZERO
    for market in slices:
        outcome = matched(order, market)
        if outcome.fill:
            spent += outcome.fill.quantity * outcome.fill.price + outcome.fill.fee
        order = rested(order, outcome)
        assert spent <= funds
        if outcome.ended:
            break


def test_a_market_buy_whose_funds_end_is_cancelled_with_what_it_got():
    order = WorkingOrder(order_id="o", side="buy", type="market", remaining=D(2), funds=D("150"))
    outcome = matched(order, BAR)
    assert (outcome.fill.quantity, outcome.ended) == (D("1.498"), "CANCELED")


def stock_fill(side, quantity, price):
    order = WorkingOrder(
        order_id="o1", side=side, type="market", remaining=D(quantity), limit_price=None, time_in_force="GTC"
    )
    market = MarketSlice(bid=D(price), ask=D(price), lowest=D(price), highest=D(price), volume=D(10_000_000))
    terms = replace(terms_of("AAPL/USD"), slippage_bps=ZERO, impact_bps=ZERO)
    return match_order(order=order, market=market, left=D(10_000_000), tick=TICK, step=STEP, terms=terms).fill


def test_a_stock_is_bought_without_a_fee_and_the_regulators_take_theirs_of_a_sale():
    assert stock_fill("buy", 100, 200).fee == 0
    assert stock_fill("sell", 100, 200).fee == D("20000") * D("27.80") / 1_000_000 + 100 * D("0.000166")
    assert stock_fill("sell", 1_000_000, 1).fee == D("27.80") + D("8.30")


def test_each_class_has_its_terms_and_rules_see_both_sides_of_them():
    assert terms_of("BTC/USDT") is PAPER_TERMS
    assert terms_of("AAPL/USD") is STOCK_TERMS
    assert (PAPER_TERMS.side_fee_bps, STOCK_TERMS.side_fee_bps) == (10, D("0.139"))
