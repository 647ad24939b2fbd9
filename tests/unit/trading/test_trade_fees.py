"""Fees in the quote, in the base and in a third asset; the postings balance whatever the fee is."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import bought, fee_in_units, imbalances, sold
from apps.trading.domain.books.positions import PositionState, after_fill
from apps.trading.domain.books.trade_fees import fee_of_trade

D = Decimal
AT = datetime(2026, 1, 1, tzinfo=UTC)
RULES = InstrumentRules("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), min_notional=D(5))
amounts = st.decimals(min_value="0.00001", max_value="1000", places=8)
prices = st.decimals(min_value="0.01", max_value="100000", places=2)
shares = st.decimals(min_value="-0.001", max_value="0.5", places=6)


def fee(side, amount, asset, quantity="2", price="100"):
    return fee_of_trade(
        symbol="BTC/USDT", side=side, quantity=D(quantity), price=D(price), fee=D(amount), fee_asset=asset
    )


def test_a_fee_in_the_quote_costs_money():
    paid = fee("buy", "0.2", "USDT")
    assert (paid.units, paid.in_quote, paid.in_base, paid.in_other) == (2, D("0.2"), 0, 0)


def test_a_fee_in_the_base_makes_a_buy_smaller_and_a_sale_larger():
    assert fee("buy", "0.002", "BTC").units == D("1.998")
    assert fee("sell", "0.002", "BTC").units == D("2.002")
    assert fee("buy", "0.002", "BTC").in_quote == fee("sell", "0.002", "BTC").in_quote == D("0.2")


def test_a_fee_in_another_asset_touches_neither():
    paid = fee("buy", "0.01", "BNB")
    assert (paid.units, paid.in_quote, paid.in_other) == (2, 0, D("0.01"))


@given(quantity=amounts, price=prices, share=shares)
def test_a_round_trip_with_fees_in_units_balances_and_moves_exactly_what_was_traded(quantity, price, share):
    amount = quantity * share
    bought_fee = fee("buy", amount, "BTC", quantity, price)
    held = after_fill(
        PositionState(),
        side="buy",
        quantity=bought_fee.units,
        price=price,
        fee=bought_fee.in_quote,
        at_firm=AT,
        rules=RULES,
    )
    postings = bought(
        base="BTC",
        quote="USDT",
        quantity=bought_fee.units,
        cost=held.cost,
        fee=bought_fee.in_quote,
        from_reserved=D(0),
    ) + fee_in_units(base="BTC", amount=bought_fee.in_base)
    assert imbalances(postings) == {}
    money = sum(leg.amount for leg in postings if (leg.asset, leg.kind) == ("USDT", "available"))
    outside = sum(leg.amount for leg in postings if (leg.asset, leg.kind) == ("BTC", "external"))
    assert (money, outside) == (-times(quantity, price), -quantity)

    half = held.position.quantity / 2
    taken = half * share
    sold_fee = fee("sell", taken, "BTC", half, price)
    after = after_fill(
        held.position, side="sell", quantity=sold_fee.units, price=price, fee=sold_fee.in_quote, at_firm=AT, rules=RULES
    )
    postings = sold(
        base="BTC",
        quote="USDT",
        quantity=sold_fee.units,
        proceeds=after.cost,
        cost_removed=after.cost_removed,
        fee=sold_fee.in_quote,
        from_reserved=D(0),
    ) + fee_in_units(base="BTC", amount=sold_fee.in_base)
    assert imbalances(postings) == {}
    money = sum(leg.amount for leg in postings if (leg.asset, leg.kind) == ("USDT", "available"))
    outside = sum(leg.amount for leg in postings if (leg.asset, leg.kind) == ("BTC", "external"))
    assert (money, outside) == (times(half, price), half)
