"""Our books against a venue's lists, as pure sets: what differs is found whole, whatever the order it is told in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from apps.foundation.identifiers import derived_id, new_id
from apps.trading.domain.orders.order_lifecycle import AT_VENUE, TERMINAL, OrderState
from apps.trading.domain.venues.reconciliation import (
    STANDS_AFTER,
    Gap,
    HeldBackTrade,
    OrderHere,
    TradeHere,
    compare_balances,
    compare_orders,
    compare_trades,
    effect_of,
    in_our_form,
    standing,
)


@dataclass(frozen=True)
class Report:
    client_order_id: str
    venue_order_id: str
    symbol: str = "BTC/USDT"
    state: str = "OPEN"
    quantity: Decimal | None = Decimal(2)
    filled_quantity: Decimal = Decimal(0)


@dataclass(frozen=True)
class Trade:
    venue_trade_id: str
    symbol: str = "BTC/USDT"
    side: str = "buy"
    quantity: Decimal = Decimal(1)
    price: Decimal = Decimal(100)


def here(number, state=OrderState.ACCEPTED, **fields):
    found = derived_id("order", number)
    return OrderHere(
        **{
            "id": found,
            "client_order_id": found.hex,
            "venue_order_id": f"V{number}",
            "symbol": "BTC/USDT",
            "state": state,
            "quantity": Decimal(2),
            "filled_quantity": Decimal(0),
            **fields,
        }
    )


def there(order, **fields):
    return Report(order.client_order_id, order.venue_order_id or "V?", **fields)


def posted(trade):
    return TradeHere(trade.venue_trade_id, trade.symbol, trade.side, trade.quantity, trade.price)


def all_of(found):
    return [*found.news, *found.absent, *found.returned, *found.lost, *found.foreign, *found.altered]


at_venue = st.sampled_from(sorted(AT_VENUE - {OrderState.SUBMITTING, OrderState.UNKNOWN}))


@given(st.lists(st.tuples(st.integers(0, 50), at_venue), unique_by=lambda each: each[0]), st.randoms())
def test_equal_lists_differ_in_nothing_in_any_order(orders, shuffled):
    ours = [here(number, state) for number, state in orders]
    reports = [there(order) for order in ours]
    shuffled.shuffle(reports)
    assert not all_of(compare_orders(here=ours, there=reports))


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.randoms())
def test_each_order_is_found_on_exactly_the_side_it_is_missing_from(mine, theirs, shuffled):
    reports = [there(here(number)) for number in theirs]
    shuffled.shuffle(reports)
    found = compare_orders(here=[here(number) for number in mine], there=reports)
    assert {order.id for order in found.absent} == {here(number).id for number in mine - theirs}
    assert {report.venue_order_id for report in found.lost} == {f"V{number}" for number in theirs - mine}
    assert not found.news
    assert not found.foreign


@given(st.sampled_from(sorted(TERMINAL)))
def test_an_ended_order_that_works_at_the_venue_has_returned(state):
    order = here(1, state)
    assert compare_orders(here=[order], there=[there(order)]).returned == [(order, there(order))]
    assert not all_of(compare_orders(here=[order], there=[there(order, state="CANCELED")]))
    assert not all_of(compare_orders(here=[order], there=[]))


def test_what_the_venue_knows_more_of_is_news():
    silent = here(1, OrderState.UNKNOWN, venue_order_id=None)
    filled = here(2, OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(1))
    ended = here(3)
    reports = [
        Report(silent.client_order_id, "V1"),
        there(filled, filled_quantity=Decimal(2)),
        there(ended, state="EXPIRED"),
    ]
    found = compare_orders(here=[silent, filled, ended], there=reports)
    assert [order for order, _ in found.news] == [silent, filled, ended]
    assert not found.absent


def test_orders_are_matched_by_either_id_and_never_across_instruments():
    order = here(1)
    nameless = Report("", "V1")
    assert not all_of(compare_orders(here=[order], there=[nameless]))
    elsewhere = compare_orders(here=[order], there=[replace(nameless, symbol="ETH/USDT")])
    assert elsewhere.foreign
    assert elsewhere.absent == [order]
    told = Report("t-in-the-venue-s-form", "V9")
    named = compare_orders(here=[order], there=[told], client_id_of={order.id: "t-in-the-venue-s-form"})
    assert not all_of(named)


def test_another_quantity_than_was_sent_is_an_altered_order():
    order = here(1)
    report = there(order, quantity=Decimal(3))
    assert compare_orders(here=[order], there=[report]).altered == [(order, report)]
    assert not all_of(compare_orders(here=[order], there=[there(order, quantity=None)]))


def test_foreign_orders_count_while_they_work():
    report = Report("web_8f2", "V1")
    assert compare_orders(here=[], there=[report]).foreign == [report]
    assert not all_of(compare_orders(here=[], there=[replace(report, state="CANCELED")]))


def test_only_ids_of_our_making_are_in_our_form():
    assert in_our_form(new_id().hex)
    assert in_our_form(str(derived_id("a cause")))
    assert not in_our_form(uuid4().hex)  # random uuids are what others use
    for other in ("", "web_8f2", "x" * 32, "0" * 32, new_id().hex[:-1]):
        assert not in_our_form(other)


@given(st.sets(st.integers(0, 80)), st.sets(st.integers(0, 80)), st.booleans(), st.randoms())
def test_trades_are_compared_as_sets(mine, theirs, complete, shuffled):
    told = [Trade(f"T{number}") for number in theirs] * 2
    shuffled.shuffle(told)
    books = {f"T{number}": posted(Trade(f"T{number}")) for number in mine}
    found = compare_trades(here=books, there=told, complete=complete)
    assert sorted(trade.venue_trade_id for trade in found.missing) == sorted(f"T{n}" for n in theirs - mine)
    assert {trade.venue_trade_id for trade in found.unproven} == (
        {f"T{n}" for n in mine - theirs} if complete else set()
    )
    assert not found.altered


@given(
    st.sampled_from(
        [{"quantity": Decimal(2)}, {"price": Decimal(99)}, {"side": "sell"}, {"symbol": "ETH/USDT"}],
    )
)
def test_a_trade_told_otherwise_is_altered_and_not_missing(change):
    trade = Trade("T1")
    found = compare_trades(here={"T1": posted(trade)}, there=[replace(trade, **change)], complete=True)
    assert len(found.altered) == 1
    assert not found.missing
    assert not found.unproven


amounts = st.decimals(min_value=0, max_value=10**6, places=8)
totals = st.dictionaries(st.sampled_from(["BTC", "ETH", "USDT", "BNB"]), amounts)


@given(totals, amounts)
def test_equal_balances_have_no_gap_and_dust_is_none(ours, dust):
    assert not compare_balances(ours=ours, theirs=ours, dust={})
    lifted = {asset: amount + dust for asset, amount in ours.items()}
    assert not compare_balances(ours=ours, theirs=lifted, dust=dict.fromkeys(ours, dust))


@given(totals, totals)
def test_a_gap_is_what_is_added_to_ours_to_have_theirs(ours, theirs):
    gaps = compare_balances(ours=ours, theirs=theirs, dust={"USDT": Decimal(0)})
    made_good = ours | {gap.asset: ours.get(gap.asset, Decimal(0)) + gap.amount for gap in gaps}
    compared = {*ours, "USDT"}
    assert {a: made_good.get(a, Decimal(0)) for a in compared} == {a: theirs.get(a, Decimal(0)) for a in compared}


def test_assets_beside_the_books_are_not_judged():
    assert not compare_balances(ours={"USDT": Decimal(5)}, theirs={"USDT": Decimal(5), "DOGE": Decimal(9)}, dust={})
    gaps = compare_balances(ours={}, theirs={"DOGE": Decimal(9)}, dust={"DOGE": Decimal(1)})
    assert gaps == [Gap("DOGE", Decimal(0), Decimal(9), Decimal(9))]


trades = st.builds(
    HeldBackTrade,
    symbol=st.just("BTC/USDT"),
    side=st.sampled_from(["buy", "sell"]),
    quantity=amounts,
    cost=amounts,
    fee=amounts,
    fee_asset=st.sampled_from(["USDT", "BTC", "BNB"]),
)


@given(totals, st.lists(trades, max_size=5))
def test_trades_that_are_held_back_explain_their_own_gap(ours, held_back):
    effect = effect_of(held_back)
    theirs = {asset: ours.get(asset, Decimal(0)) + effect.get(asset, Decimal(0)) for asset in {*ours, *effect}}
    assert not compare_balances(ours=ours, theirs=theirs, dust={}, explained=effect)


def test_only_what_stands_for_a_while_counts():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    stands, memory = standing(before={}, now={"USDT": "-3"}, at=at)
    assert not stands
    stands, memory = standing(before=memory, now={"USDT": "-3"}, at=at + STANDS_AFTER / 2)
    assert not stands
    assert standing(before=memory, now={"USDT": "-3"}, at=at + STANDS_AFTER)[0] == {"USDT"}
    moved, memory = standing(before=memory, now={"USDT": "-2"}, at=at + STANDS_AFTER)
    assert not moved
    assert standing(before=memory, now={"USDT": "-2"}, at=at + 1.5 * STANDS_AFTER)[0] == frozenset()
    assert standing(before=memory, now={}, at=at) == (frozenset(), {})


def test_uuids_of_orders_are_versions_that_are_recognised():
    assert {UUID(int=new_id().int).version, derived_id("x").version} == {7, 5}
