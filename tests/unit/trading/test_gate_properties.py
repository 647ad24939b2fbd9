"""Over any facts: missing input denies, worse facts let nothing more through, sales are bound by their own rules."""

from dataclasses import fields, replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.trading.domain.risk.gate_facts import BookFacts, GateFacts, MarketFacts, OrderFacts, VenueFacts
from apps.trading.domain.risk.risk_gate import judge
from apps.trading.domain.risk.risk_verdict import EXEMPT, OK
from apps.trading.domain.risk.trading_state import TradingState
from tests.support.gate_facts import FIRM, GOOD

D = Decimal
money = st.decimals(D(0), D(2000), places=2)
maybe = st.one_of(st.none(), money)
orders = st.builds(
    OrderFacts,
    symbol=st.just("BTC/USDT"),
    base=st.just("BTC"),
    side=st.sampled_from(["buy", "sell"]),
    type=st.sampled_from(["market", "limit"]),
    origin=st.sampled_from(["manual", "consensus", "guard", "flatten"]),
    reduce_only=st.booleans(),
    privileged=st.booleans(),
    quantity=st.decimals(D(0), D(1), places=5),
    price=st.one_of(st.none(), st.decimals(D(1), D(100_000), places=2)),
    value=maybe,
    needs=maybe,
    needs_asset=st.just("USDT"),
    expected_edge_bps=st.one_of(st.none(), st.floats(-500, 500)),
    budget=st.sampled_from(["firm", "agent:7"]),
)
markets = st.builds(
    MarketFacts,
    mark=st.one_of(st.none(), st.decimals(D(1), D(100_000), places=2)),
    as_of=st.just(FIRM),
    stale=st.booleans(),
    diverging=st.booleans(),
    spread_bps=st.one_of(st.none(), st.decimals(D(0), D(100), places=1)),
    reason=st.just("why"),
    tick_size=st.just(D("0.01")),
    step_size=st.just(D("0.00001")),
    min_quantity=st.just(D("0.00001")),
    min_notional=st.just(D(5)),
    paused_reason=st.sampled_from([None, "by hand"]),
    fee_bps=st.just(D(10)),
    correlations=st.dictionaries(st.sampled_from(["ETH/USDT", "SOL/USDT"]), st.floats(-1, 1)),
)
books = st.builds(
    BookFacts,
    equity=st.one_of(st.none(), st.decimals(D(1), D(2000), places=2)),
    day_start_equity=st.decimals(D(1), D(2000), places=2),
    peak_equity=st.decimals(D(1), D(2000), places=2),
    available=money,
    exposures=st.dictionaries(st.sampled_from(["BTC/USDT", "ETH/USDT", "SOL/USDT"]), maybe),
    held_quantity=st.decimals(D(0), D(1), places=5),
    orders_last_hour=st.integers(0, 60),
    open_orders=st.integers(0, 20),
    unknown_orders=st.integers(0, 5),
    unknown_on_symbol=st.integers(0, 2),
    losses_in_row=st.integers(0, 9),
    last_loss_firm=st.sampled_from([None, FIRM]),
    state=st.sampled_from(list(TradingState)),
    in_flight_loss=maybe,
)
venues = st.builds(
    VenueFacts,
    account=st.just("binance"),
    in_house=st.booleans(),
    rung=st.sampled_from([None, "normal", "no_entries", "exits_only", "frozen"]),
    clock_offset_ms=st.one_of(st.none(), st.integers(-5000, 5000)),
)
any_facts = st.builds(
    GateFacts,
    order=orders,
    market=markets,
    book=books,
    venue=venues,
    limits=st.just(GOOD.limits),
    firm=st.just(FIRM),
)


def allowed(facts):
    return {verdict.rule for verdict in judge(facts).verdicts if verdict.allowed}


@settings(max_examples=300)
@given(any_facts)
def test_every_verdict_has_its_words_and_its_inputs(facts):
    decision = judge(facts)
    assert decision.allowed is (decision.denials == ())
    for verdict in decision.verdicts:
        assert verdict.detail
        assert verdict.inputs
        assert verdict.allowed is (verdict.code in {OK, EXEMPT})
        verdict.as_json()


MISSING = [
    ("market", {"mark": None}),
    ("market", {"spread_bps": None}),
    ("order", {"value": None}),
    ("order", {"needs": None}),
    ("book", {"equity": None}),
    ("book", {"in_flight_loss": None}),
    ("venue", {"rung": None}),
    ("venue", {"clock_offset_ms": None}),
    ("market", {"correlations": {}}),
]


@settings(max_examples=300)
@given(any_facts, st.sampled_from(MISSING))
def test_knowing_less_never_lets_a_buy_through(facts, missing):
    part, unknown = missing
    buy = replace(facts, order=replace(facts.order, side="buy"))
    less = replace(buy, **{part: replace(getattr(buy, part), **unknown)})
    if part == "market" and "mark" in unknown:
        less = replace(less, order=replace(less.order, value=None))
    assert allowed(less) <= allowed(buy)
    if part != "market" or "correlations" not in unknown:
        assert not judge(less).allowed or (part == "venue" and facts.venue.in_house)


WORSE = {
    "orders_last_hour": 61,
    "open_orders": 21,
    "unknown_orders": 6,
    "unknown_on_symbol": 1,
    "peak_equity": D(10_000),
    "day_start_equity": D(10_000),
    "in_flight_loss": D(10_000),
    "available": D(0),
    "state": TradingState.HALTED,
}


@settings(max_examples=300)
@given(any_facts, st.sampled_from(sorted(WORSE)))
def test_a_worse_book_never_lets_more_through(facts, name):
    worse = replace(facts, book=replace(facts.book, **{name: WORSE[name]}))
    assert allowed(worse) <= allowed(facts) | {"loss_streak"}
    assert set(WORSE) <= {field.name for field in fields(BookFacts)}


@settings(max_examples=300)
@given(any_facts, money)
def test_a_larger_buy_never_passes_where_a_smaller_one_does_not(facts, more):
    if facts.order.value is None or facts.order.needs is None:
        return
    small = replace(facts, order=replace(facts.order, side="buy"))
    large = replace(small, order=replace(small.order, value=small.order.value + more, needs=small.order.needs + more))
    assert allowed(large) - {"min_notional", "balance"} <= allowed(small)


BINDS_SALES = {"trading_state", "venue_health", "price_collar", "instrument_rules", "min_notional", "balance"}


@settings(max_examples=300)
@given(any_facts)
def test_a_sale_is_denied_only_by_the_rules_that_bind_sales(facts):
    sale = replace(facts, order=replace(facts.order, side="sell"))
    assert {verdict.rule for verdict in judge(sale).denials} <= BINDS_SALES


@settings(max_examples=200)
@given(any_facts)
def test_nothing_buys_in_a_restricted_state_whoever_asks(facts):
    buy = replace(facts, order=replace(facts.order, side="buy"))
    if facts.book.state != TradingState.ACTIVE:
        assert "trading_state" not in allowed(buy)
    if facts.venue.rung != "normal" and not facts.venue.in_house:
        assert "venue_health" not in allowed(buy)
