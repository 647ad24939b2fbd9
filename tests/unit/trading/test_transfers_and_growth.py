"""Money that comes in or goes out is no profit, and only what narrows a gap explains it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.trading.adapters.ccxt_answers import Nonsense
from apps.trading.adapters.ccxt_transfers import transfers_of
from apps.trading.domain.books.portfolio import Growth
from apps.trading.domain.venues.venue_transfer import VenueTransfer, explaining

D = Decimal
START = datetime(2026, 3, 2, tzinfo=UTC)


def transfer(amount, number=1):
    return VenueTransfer(f"t{number}", "USDT", D(amount), START + timedelta(minutes=number))


def explained(gap, *amounts):
    told = [transfer(amount, number) for number, amount in enumerate(amounts)]
    return [each.amount for each in explaining(reversed(told), gap=D(gap))]


def test_transfers_that_narrow_the_gap_explain_it_oldest_first():
    assert explained(500, 500) == [500]
    assert explained(30, 50, -20) == [50, -20]
    assert explained(0, 500) == []  # in the books already, under another name
    assert explained(100, -100) == []
    assert explained(12, 30) == []


def test_growth_is_of_money_that_was_there_from_the_beginning():
    growth = Growth(D(1), D(1_000))
    assert growth.at(D(1_100)) == D("1.1")
    doubled = growth.after_transfer(equity=D(1_100), amount=D(1_100))
    assert doubled.at(D(2_200)) == D("1.1")
    assert doubled.at(D(1_100)) == D("0.55")
    assert doubled.after_transfer(equity=D(1_100), amount=D(-1_000)).at(D(200)) == D("1.1")


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(-400, 4_000)), max_size=20))
def test_no_transfer_moves_the_growth_at_its_moment(steps):
    growth, equity, product = Growth(D(1), D(1_000)), D(1_000), D(1)
    for percent, amount in steps:
        product *= 1 + D(percent) / 100
        equity *= 1 + D(percent) / 100
        equity = equity.quantize(D("0.000000000000000001"))
        if equity + amount <= 1:
            continue
        before = growth.at(equity)
        growth = growth.after_transfer(equity=equity, amount=D(amount))
        equity += amount
        assert growth.at(equity) == before
    assert growth.at(equity) == pytest.approx(product, rel=D("1e-9"))


def row(**fields):
    return {"id": "7", "currency": "USDT", "status": "ok", "amount": "5", "timestamp": 1_700_000_000_000, **fields}


def test_only_what_has_moved_money_counts_and_a_withdrawals_fee_left_with_it():
    deposits = [row(), row(status="pending"), row(currency="BTC"), row(status="failed")]
    out = row(id="8", status="pending", fee={"cost": "0.5", "currency": "USDT"})
    assert [each.amount for each in transfers_of(deposits, [out, row(status="canceled")], "USDT")] == [5, D("-5.5")]


@pytest.mark.parametrize(
    "wrong", [{"amount": "NaN"}, {"amount": "-5"}, {"amount": None}, {"id": ""}, {"timestamp": ""}]
)
def test_a_transfer_that_cannot_be_is_nonsense(wrong):
    with pytest.raises(Nonsense):
        transfers_of([row(**wrong)], [], "USDT")
