"""The simulator's engine: triggers, partial fills, lists, fees, and books that always add up."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.exchange_simulator.engine.accounts import Account, Balance
from workers.exchange_simulator.engine.depth import Depth
from workers.exchange_simulator.engine.exchange import Exchange, Handling
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.market import Market
from workers.exchange_simulator.engine.orders import Order, OrderRequest, OrderType, Side, Status
from workers.exchange_simulator.engine.price_feed import Bar, price_at
from workers.exchange_simulator.engine.rejections import Reason, Rejection

SYMBOL = "AAA/USD"
MINUTE = 60_000
D = Decimal


class Bars:
    """A feed of the bars that a test names, one a minute from time 0."""

    bar_ms = MINUTE
    first_ms = 0

    def __init__(self, bars: Iterable[tuple[str, str, str, str]]) -> None:
        self._bars = [
            Bar(place * MINUTE, *(D(price) for price in prices), volume=D(60)) for place, prices in enumerate(bars)
        ]
        self.last_ms: int | None = (len(self._bars) - 1) * MINUTE

    def instruments(self) -> list[Instrument]:
        return [Instrument(SYMBOL, "AAA", "USD", D("0.1"), D("0.01"), D("0.01"), D(5))]

    def bar(self, symbol: str, open_ms: int) -> Bar | None:
        place = open_ms // MINUTE
        return self._bars[place] if 0 <= place < len(self._bars) else None


def exchange(*bars: tuple[str, str, str, str], level_value: str = "10000", **account: object) -> Exchange:
    feed = Bars(bars or [("100", "100", "100", "100")])
    (instrument,) = feed.instruments()
    market = Market(instrument, feed, Depth(instrument, 1, D(level_value), D(2)), 0)
    market.start()
    made = Exchange(accounts={}, markets={SYMBOL: market})
    made.accounts["one"] = Account("one", "k", "s", {"USD": Balance(D(1000)), "AAA": Balance(D(10))}, **account)
    return made


def ask(kind: str, side: str = "buy", quantity: str | None = "1", **fields: object) -> OrderRequest:
    amounts = {
        name: D(value) if isinstance(value, str) and name not in {"client_id", "time_in_force", "fee_in"} else value
        for name, value in fields.items()
    }
    return OrderRequest(SYMBOL, Side(side), OrderType(kind), D(quantity) if quantity else None, **amounts)


def place(made: Exchange, request: OrderRequest, **handling: object) -> Order:
    return made.place(made.accounts["one"], request, 1, Handling(**handling))


def total(made: Exchange, asset: str) -> Decimal:
    held = made.accounts["one"].balance(asset)
    return held.free + held.locked


def test_path_of_a_bar_passes_its_extremes() -> None:
    bar = Bar(0, D(100), D(110), D(90), D(105), D(1))
    assert [price_at(bar, MINUTE, at, D("0.1")) for at in (0, 20_000, 40_000, 59_999)] == [100, 90, 110, 105]


def test_limit_fills_only_where_the_price_went() -> None:
    made = exchange(("100", "100", "100", "100"), ("100", "101", "97", "99"))
    deep, near = place(made, ask("limit", price="96")), place(made, ask("limit", price="98"))
    made.advance(2 * MINUTE, 5)
    assert (deep.status, near.status) == (Status.NEW, Status.FILLED)
    assert near.trades[0].price == 98
    assert near.trades[0].maker


def test_thin_book_fills_in_parts() -> None:
    made = exchange(level_value="20")
    order = place(made, ask("limit", quantity="1", price="100.1"))
    assert order.status is Status.PARTIALLY_FILLED
    assert D(0) < order.filled < 1
    for _ in range(200):
        made.market(SYMBOL).set_price(D(100), hold=True)
        made.settle(SYMBOL, 2)
    assert order.status is Status.FILLED
    assert sum(trade.quantity for trade in order.trades) == 1


@pytest.mark.parametrize(
    ("request_", "price", "fires"),
    [
        (ask("stop", "sell", stop_price="95"), "95.1", False),
        (ask("stop", "sell", stop_price="95"), "95", True),
        (ask("stop", "buy", stop_price="105"), "105", True),
        (ask("take_profit", "sell", stop_price="105"), "104", False),
        (ask("take_profit", "sell", stop_price="105"), "106", True),
        (ask("take_profit", "buy", stop_price="95"), "94", True),
    ],
)
def test_triggers(request_: OrderRequest, price: str, fires: bool) -> None:
    made = exchange()
    order = place(made, request_)
    made.market(SYMBOL).set_price(D(price), hold=True)
    made.settle(SYMBOL, 2)
    assert (order.status is Status.FILLED) == fires
    assert order.working == fires


def test_trailing_stop_follows_up_and_never_down() -> None:
    made = exchange()
    order = place(made, ask("stop", "sell", trailing_bps="500"))
    for price, done in (("100", False), ("120", False), ("115", False), ("114", True)):
        made.market(SYMBOL).set_price(D(price), hold=True)
        made.settle(SYMBOL, 2)
        assert (order.status is Status.FILLED) == done, price


def test_oco_locks_once_and_ends_together() -> None:
    made = exchange()
    account = made.accounts["one"]
    pair = made.place_pair(
        account, ask("limit", "sell", "10", price="110"), ask("stop", "sell", "10", stop_price="90"), "pair", 1
    )
    assert account.balance("AAA") == Balance(D(0), D(10))
    made.market(SYMBOL).set_price(D(89), hold=True)
    made.settle(SYMBOL, 2)
    first, second = (made.orders[number] for number in pair.order_ids)
    assert (first.status, second.status) == (Status.EXPIRED, Status.FILLED)
    assert pair.done
    assert account.balance("AAA") == Balance(D(0), D(0))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ask("limit", price="100.05"), Reason.PRICE_FILTER),
        (ask("limit", price="600"), Reason.PERCENT_PRICE),
        (ask("limit", quantity="0.015", price="99"), Reason.LOT_SIZE),
        (ask("limit", quantity="0.01", price="99"), Reason.NOTIONAL),
        (ask("limit", quantity="11", price="99"), Reason.INSUFFICIENT_BALANCE),
        (ask("market", "sell", "11"), Reason.INSUFFICIENT_BALANCE),
        (ask("limit", price="101", post_only=True), Reason.WOULD_TAKE),
        (ask("stop", "sell", stop_price="101"), Reason.WOULD_TRIGGER),
    ],
)
def test_refusals_change_nothing(request_: OrderRequest, reason: Reason) -> None:
    made = exchange()
    with pytest.raises(Rejection) as refused:
        place(made, request_)
    assert refused.value.reason is reason
    assert made.accounts["one"].balance("USD") == Balance(D(1000), D(0))
    assert made.orders == {}
    assert made.drain() == []


def test_order_count_filters() -> None:
    made = exchange()
    for _ in range(5):
        place(made, ask("stop", "sell", stop_price="50"))
    with pytest.raises(Rejection, match="max_stop_orders"):
        place(made, ask("stop", "sell", stop_price="50"))


def test_fee_in_quote_is_locked_with_the_order_and_freed_with_it() -> None:
    made = exchange(fee_in="quote", maker_rate=D("0.002"), taker_rate=D("0.001"))
    order = place(made, ask("limit", price="90"))
    assert order.locked == D("90.18")
    made.cancel(order, 2)
    assert made.accounts["one"].balance("USD") == Balance(D(1000), D(0))


def test_late_fill_uses_the_funds_that_the_cancel_kept() -> None:
    made = exchange()
    order = place(made, ask("limit", quantity="2", price="90"))
    made.cancel(order, 2, keep_lock=True)
    trade = made.late_fill(order, D(1), 3)
    assert trade is not None
    assert (order.status, order.filled, order.locked) == (Status.CANCELED, 1, 0)
    assert made.accounts["one"].balance("USD") == Balance(D(910), D(0))


def test_forced_fill_keeps_the_orders_price() -> None:
    made = exchange()
    order = place(made, ask("limit", price="90"), fill_share=D(1))
    assert (order.status, order.trades[0].price) == (Status.FILLED, 90)


def test_expiry() -> None:
    made = exchange(("100", "100", "100", "100"), ("100", "100", "100", "100"))
    order = place(made, ask("limit", price="90", expires_ms=50))
    made.advance(10, 49)
    assert order.open
    made.advance(20, 50)
    assert order.status is Status.EXPIRED


_requests = st.builds(
    lambda kind, side, quantity, price, stop, force, post: OrderRequest(
        SYMBOL,
        side,
        kind,
        D(quantity) / 100,
        price=D(price) / 10 if "limit" in kind else None,
        stop_price=D(stop) / 10 if kind in {"stop", "stop_limit", "take_profit", "take_profit_limit"} else None,
        time_in_force=force if kind == "limit" else "GTC",
        post_only=post and kind == "limit",
    ),
    st.sampled_from(OrderType),
    st.sampled_from(Side),
    st.integers(1, 500),
    st.integers(800, 1_200),
    st.integers(800, 1_200),
    st.sampled_from(["GTC", "IOC", "FOK"]),
    st.booleans(),
)
_steps = st.lists(st.one_of(_requests, st.integers(800, 1_200), st.just("cancel")), max_size=40)


@settings(max_examples=80, deadline=None)
@given(_steps, st.sampled_from(["received", "quote"]), st.sampled_from(["30", "5000"]))
def test_books_add_up_whatever_happens(steps: list[object], fee_in: str, level_value: str) -> None:
    made = exchange(level_value=level_value, fee_in=fee_in)
    account = made.accounts["one"]
    for step in steps:
        try:
            if isinstance(step, OrderRequest):
                made.place(account, step, 1)
            elif isinstance(step, int):
                made.market(SYMBOL).set_price(D(step) / 10, hold=True)
                made.settle(SYMBOL, 1)
            else:
                for order in list(made.open_orders[SYMBOL].values())[:1]:
                    made.cancel(order, 1)
        except Rejection:
            continue
        _check(made)


def _check(made: Exchange) -> None:
    trades = made.trades_of["one", SYMBOL]
    signs = {Side.BUY: 1, Side.SELL: -1}
    fees = {asset: sum((trade.fee for trade in trades if trade.fee_asset == asset), D(0)) for asset in ("AAA", "USD")}
    assert total(made, "AAA") == 10 + sum(signs[trade.side] * trade.quantity for trade in trades) - fees["AAA"]
    assert total(made, "USD") == 1000 - sum(signs[trade.side] * trade.quote_quantity for trade in trades) - fees["USD"]
    for asset, side in (("USD", Side.BUY), ("AAA", Side.SELL)):
        held = made.accounts["one"].balance(asset)
        assert held.free >= 0
        assert held.locked == sum((order.locked for order in made.orders.values() if order.side is side), D(0))
    for order in made.orders.values():
        assert D(0) <= order.filled <= order.quantity
        assert order.filled == sum((trade.quantity for trade in order.trades), D(0))
        assert order.open or order.locked == 0
