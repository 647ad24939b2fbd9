"""Positions and postings over random histories: nothing is made or lost."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books import ledger_postings as books
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.positions import FillExceedsPositionError, PositionState, after_fill

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STEP = Decimal("0.00000001")
RULES = InstrumentRules("BTC/USDT", "BTC", "USDT", Decimal("0.01"), STEP, STEP, min_notional=Decimal(0))
lots = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-8))
prices = st.integers(1, 10**10).map(lambda n: Decimal(n).scaleb(-4))
fees = st.integers(0, 10**8).map(lambda n: Decimal(n).scaleb(-6))
trades = st.lists(st.tuples(st.sampled_from(["buy", "sell"]), lots, prices, fees), max_size=30)


def replay(history):
    """(final state, effects, trades taken); sales are cut to what is held."""
    state, effects = PositionState(), []
    for side, lot, price, fee in history:
        quantity = lot if side == "buy" else min(lot, state.quantity)
        if quantity:
            effect = after_fill(state, side=side, quantity=quantity, price=price, fee=fee, at_firm=AT, rules=RULES)
            effects.append((side, quantity, fee, effect))
            state = effect.position
    return state, effects


@given(trades)
@settings(max_examples=200, deadline=None)
def test_quantity_cost_result_and_fees_add_up(history):
    state, effects = replay(history)
    signed = sum((q if side == "buy" else -q for side, q, _, _ in effects), Decimal(0))
    spent = sum((e.cost for side, _, _, e in effects if side == "buy"), Decimal(0))
    earned = sum((e.cost for side, _, _, e in effects if side == "sell"), Decimal(0))
    assert state.quantity == signed >= 0
    assert state.realized_pnl == earned - (spent - state.cost)
    assert state.fees == sum((fee for _, _, fee, _ in effects), Decimal(0))
    assert state.cost >= 0
    assert state.quantity or not state.cost


@given(trades)
@settings(max_examples=100, deadline=None)
def test_the_postings_of_any_history_balance_and_keep_what_was_deposited(history):
    capital = Decimal(10) ** 15
    balances = {}

    def post(postings):
        assert books.imbalances(postings) == {}
        assert all(posting.amount for posting in postings)
        for posting in postings:
            key = (posting.asset, posting.kind)
            balances[key] = balances.get(key, Decimal(0)) + posting.amount

    post(books.deposit(asset="USDT", amount=capital))
    state, effects = replay(history)
    for side, quantity, fee, effect in effects:
        pair = {"base": "BTC", "quote": "USDT", "quantity": quantity, "fee": fee}
        if side == "buy":
            reserved = effect.cost + fee + 1
            post(books.reservation(side="buy", asset="USDT", amount=reserved))
            post(books.bought(**pair, cost=effect.cost, from_reserved=effect.cost + fee))
            post(books.release(side="buy", asset="USDT", amount=Decimal(1)))
        else:
            post(books.reservation(side="sell", asset="BTC", amount=quantity))
            post(books.sold(**pair, proceeds=effect.cost, cost_removed=effect.cost_removed, from_reserved=quantity))
    assert balances.get(("BTC", "position"), Decimal(0)) == state.quantity
    assert balances.get(("USDT", "position"), Decimal(0)) == state.cost
    assert -balances.get(("USDT", "realised"), Decimal(0)) == state.realized_pnl
    assert balances.get(("USDT", "reserved"), Decimal(0)) == 0
    assert balances["USDT", "available"] == capital - state.cost + state.realized_pnl - state.fees


def test_the_last_sale_leaves_no_dust_of_cost():
    state = PositionState()
    for _ in range(3):
        state = after_fill(
            state,
            side="buy",
            quantity=Decimal("0.1"),
            price=Decimal("33.33"),
            fee=Decimal("0.01"),
            at_firm=AT,
            rules=RULES,
        ).position
    effect = after_fill(
        state, side="sell", quantity=Decimal("0.1"), price=Decimal(40), fee=Decimal(0), at_firm=AT, rules=RULES
    )
    assert effect.closed_result is None
    end = after_fill(
        effect.position,
        side="sell",
        quantity=Decimal("0.2"),
        price=Decimal(40),
        fee=Decimal("0.02"),
        at_firm=AT,
        rules=RULES,
    )
    assert (end.position.quantity, end.position.cost, end.position.average_price) == (0, 0, None)
    assert end.closed_result == Decimal(12) - Decimal("9.999") - Decimal("0.05")
    assert end.position.closed_firm == AT


COARSE = replace(RULES, step_size=Decimal("0.1"), min_quantity=Decimal("0.1"), min_notional=Decimal(5))


def traded(state, side, quantity, price, hour):
    at = AT.replace(hour=hour)
    return after_fill(
        state, side=side, quantity=Decimal(quantity), price=Decimal(price), fee=Decimal(1), at_firm=at, rules=COARSE
    )


def test_a_sale_that_leaves_what_can_not_be_sold_ends_the_position_and_the_next_buy_begins_anew():
    began = traded(PositionState(), "buy", "1.04", 100, 8)
    assert (began.opens, began.position.is_open) == (True, True)
    part = traded(began.position, "sell", "0.5", 90, 9)
    assert (part.closed_result, part.position.is_open) == (None, True)
    ended = traded(part.position, "sell", "0.5", 90, 10)
    assert ended.closed_result == Decimal(-10 - 3)
    assert (ended.position.is_open, ended.position.closed_firm) == (False, AT.replace(hour=10))
    assert (ended.position.quantity, ended.position.cost) == (Decimal("0.04"), Decimal(4))
    again = traded(ended.position, "buy", "1", 80, 11)
    assert (again.opens, again.position.opened_firm, again.position.trip_result) == (True, AT.replace(hour=11), -1)
    more = traded(again.position, "buy", "1", 80, 12)
    assert (more.opens, more.position.opened_firm) == (False, AT.replace(hour=11))


def test_what_is_bought_on_top_of_a_rest_too_small_in_worth_begins_anew_too():
    began = traded(PositionState(), "buy", "1", 10, 8).position
    rest = traded(began, "sell", "0.7", 10, 9)
    assert (rest.closed_result, rest.position.is_open) == (None, True)
    assert traded(rest.position, "buy", "1", 10, 10).opens


def test_selling_more_than_is_held_is_a_broken_invariant():
    with pytest.raises(FillExceedsPositionError):
        after_fill(
            PositionState(), side="sell", quantity=Decimal(1), price=Decimal(1), fee=Decimal(0), at_firm=AT, rules=RULES
        )


def test_a_fill_dearer_than_reserved_takes_the_rest_from_free_cash():
    postings = books.bought(
        base="BTC", quote="USDT", quantity=Decimal(1), cost=Decimal(110), fee=Decimal(1), from_reserved=Decimal(100)
    )
    assert {(p.asset, p.kind): p.amount for p in postings} == {
        ("USDT", "reserved"): -100,
        ("USDT", "available"): -11,
        ("USDT", "position"): 110,
        ("USDT", "fees"): 1,
        ("BTC", "external"): -1,
        ("BTC", "position"): 1,
    }


@given(st.decimals(0, 10**11, places=18), st.decimals("0.000001", 100, places=6))
@settings(deadline=None)
def test_products_and_quotients_are_cut_never_rounded_up(left, right):
    assert 0 <= times(left, right) <= Decimal(left) * Decimal(right) + Decimal("1e-12")
    assert times(over(left, right), right) <= left
