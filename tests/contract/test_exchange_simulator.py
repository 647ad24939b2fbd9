"""The unmodified ccxt classes, synchronous, asynchronous and streaming, against the simulator by addresses alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from tests.support.running_exchange import RunningExchange, test_account

SYMBOL = "BTC/USDT"
# Enough for a whole level of the book more than once: its size is drawn anew with each move of the price.
AT_FIRST = {"USDT": "100000", "BTC": "1"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    accounts = [
        test_account("one", balances=AT_FIRST),
        test_account("two", can_withdraw=True),
        test_account("bnb", balances={"USDT": "1000", "BNB": "5"}, fee_in="BNB"),
        test_account("revoked"),
    ]
    folder = tmp_path_factory.mktemp("exchange")
    with RunningExchange(
        folder, accounts=accounts, symbols="BTC/USDT,ETH/USDT,BNB/USDT", order_limit=10_000
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(exchange: RunningExchange) -> Iterator[None]:
    exchange.clear_faults()
    exchange.price(SYMBOL, "60000")
    yield
    exchange.clear_faults()


def funds(exchange: RunningExchange, asset: str = "USDT") -> dict[str, Decimal]:
    """What the test account has of an asset, as numbers: how many zeros are written depends on the orders before."""
    return {name: Decimal(amount) for name, amount in exchange.books("one")["balances"]["one"][asset].items()}


@pytest.fixture
def binance(exchange: RunningExchange) -> ccxt.binance:
    return ccxt.binance(exchange.ccxt_options(enableRateLimit=False))


@pytest.fixture
def kraken(exchange: RunningExchange) -> ccxt.kraken:
    return ccxt.kraken(exchange.ccxt_options("kraken", "two", enableRateLimit=False))


@pytest.fixture
async def streams(exchange: RunningExchange) -> AsyncIterator[Any]:
    client = ccxt.pro.binance(exchange.ccxt_options(enableRateLimit=False))
    yield client
    await client.close()


_numbers = iter(range(1, 10_000))


def own_id() -> str:
    return f"t{next(_numbers)}"


class TestBinance:
    def test_market_data_agrees_with_itself(self, binance: ccxt.binance) -> None:
        ticker = binance.fetch_ticker(SYMBOL)
        book = binance.fetch_order_book(SYMBOL, 5)
        assert ticker["last"] == 60000
        assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
        assert ticker["bid"] < 60000 < ticker["ask"]
        bars = binance.fetch_ohlcv(SYMBOL, "1h", limit=5)
        assert [later[0] - earlier[0] for earlier, later in pairwise(bars)] == [3_600_000] * 4
        assert bars[-1][4] == 60000

    def test_market_order_fills_and_balances_follow(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        before = exchange.books("one")["balances"]["one"]
        order = binance.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": own_id()})
        assert (order["status"], order["filled"]) == ("closed", 0.01)
        trades = binance.fetch_my_trades(SYMBOL, params={"orderId": order["id"]})
        cost, fees = (sum(Decimal(trade["info"][name]) for trade in trades) for name in ("quoteQty", "commission"))
        after = exchange.books("one")["balances"]["one"]
        assert Decimal(before["USDT"]["free"]) - Decimal(after["USDT"]["free"]) == cost
        assert Decimal(after["BTC"]["free"]) - Decimal(before["BTC"]["free"]) == Decimal("0.01") - fees
        assert fees == Decimal("0.00001")

    def test_limit_order_rests_then_fills_at_its_own_price(
        self, binance: ccxt.binance, exchange: RunningExchange
    ) -> None:
        name = own_id()
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 59000, {"clientOrderId": name})
        assert order["status"] == "open"
        assert binance.fetch_order(None, SYMBOL, {"origClientOrderId": name})["id"] == order["id"]
        assert [one["id"] for one in binance.fetch_open_orders(SYMBOL)] == [order["id"]]
        exchange.price(SYMBOL, "58900")
        filled = binance.fetch_order(order["id"], SYMBOL)
        assert (filled["status"], filled["average"]) == ("closed", 59000)
        assert binance.fetch_my_trades(SYMBOL)[-1]["takerOrMaker"] == "maker"

    def test_cancel_frees_the_funds_and_a_second_one_is_refused(
        self, binance: ccxt.binance, exchange: RunningExchange
    ) -> None:
        before = funds(exchange)
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        assert funds(exchange) == {"free": before["free"] - 500, "locked": before["locked"] + 500}
        assert binance.cancel_order(order["id"], SYMBOL)["status"] == "canceled"
        assert funds(exchange) == before
        with pytest.raises(ccxt.OrderNotFound):
            binance.cancel_order(order["id"], SYMBOL)

    @pytest.mark.parametrize(
        ("kind", "amount", "price", "error", "code"),
        [
            ("limit", 100, 50000, ccxt.InsufficientFunds, "-2010"),
            ("limit", 0.00002, 60000, ccxt.BadRequest, "NOTIONAL"),
            ("limit", 0.01, 600000, ccxt.InvalidOrder, "PERCENT_PRICE"),
            ("limit_maker", 0.01, 61000, ccxt.OrderImmediatelyFillable, "-2010"),
        ],
    )
    def test_refusals_carry_binances_codes(  # noqa: PLR0917 - a row of the table
        self, binance: ccxt.binance, kind: str, amount: float, price: float, error: type[Exception], code: str
    ) -> None:
        with pytest.raises(error) as refused:
            binance.create_order(SYMBOL, kind, "buy", amount, price)
        assert code in binance.last_http_response, refused.value

    def test_filters_of_the_exchange(self, binance: ccxt.binance) -> None:
        binance.load_markets()
        for quantity, price, told in (
            ("0.000011", "50000", "LOT_SIZE"),
            ("0.01", "50000.01", "PRICE_FILTER"),
            ("0.0000000001", "50000", "-1111"),
            ("x", "50000", "-1100"),
        ):
            sent = {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": quantity,
                "price": price,
            }
            with pytest.raises(ccxt.BaseError):
                binance.private_post_order(sent)
            assert told in binance.last_http_response

    def test_client_id_is_refused_only_while_its_order_is_open(self, binance: ccxt.binance) -> None:
        name = own_id()
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        with pytest.raises(ccxt.InvalidOrder):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        assert "Duplicate order sent." in binance.last_http_response
        binance.cancel_order(order["id"], SYMBOL)
        again = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        binance.cancel_order(again["id"], SYMBOL)
        assert again["id"] != order["id"]

    def test_stop_waits_fires_and_sells(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        stop = binance.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 58000})
        limit = binance.create_order(SYMBOL, "limit", "sell", 0.01, 57000, {"stopLossPrice": 57500})
        exchange.price(SYMBOL, "58500")
        assert binance.fetch_order(stop["id"], SYMBOL)["status"] == "open"
        exchange.price(SYMBOL, "57900")
        assert binance.fetch_order(stop["id"], SYMBOL)["status"] == "closed"
        exchange.price(SYMBOL, "57400")
        assert binance.fetch_order(limit["id"], SYMBOL)["status"] == "closed"

    def test_oco_ends_one_leg_with_the_other(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        made = binance.private_post_orderlist_oco(
            {
                "symbol": "BTCUSDT",
                "side": "SELL",
                "quantity": "0.01",
                "aboveType": "LIMIT_MAKER",
                "abovePrice": "62000",
                "belowType": "STOP_LOSS",
                "belowStopPrice": "58000",
            }
        )
        first, second = (row["orderId"] for row in made["orders"])
        exchange.price(SYMBOL, "62100")
        assert binance.fetch_order(first, SYMBOL)["status"] == "closed"
        assert binance.fetch_order(second, SYMBOL)["status"] == "expired"
        assert funds(exchange, "BTC")["locked"] == 0

    def test_edit_replaces_the_order(self, binance: ccxt.binance) -> None:
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        edited = binance.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, 51000)
        assert binance.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
        assert (edited["amount"], edited["price"]) == (0.02, 51000)
        binance.cancel_order(edited["id"], SYMBOL)

    def test_immediate_or_cancel_and_fill_or_kill(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        book = binance.fetch_order_book(SYMBOL, 1)
        ask, size = book["asks"][0]
        part = binance.create_order(SYMBOL, "limit", "buy", size + 0.01, ask, {"timeInForce": "IOC"})
        assert part["status"] == "expired"
        assert part["filled"] == pytest.approx(size)
        exchange.price(SYMBOL, "60000")
        book = binance.fetch_order_book(SYMBOL, 1)
        none = binance.create_order(SYMBOL, "limit", "buy", book["asks"][0][1] + 0.01, ask, {"timeInForce": "FOK"})
        assert (none["status"], none["filled"]) == ("expired", 0)

    def test_fees_in_a_third_asset(self, exchange: RunningExchange) -> None:
        client = ccxt.binance(exchange.ccxt_options(account="bnb"))
        client.create_order(SYMBOL, "market", "buy", None, None, {"cost": 100})
        trade = client.fetch_my_trades(SYMBOL)[-1]
        assert trade["fee"]["currency"] == "BNB"
        assert Decimal(exchange.books("bnb")["balances"]["bnb"]["BNB"]["free"]) < 5

    def test_keys_rights_and_signatures(self, exchange: RunningExchange) -> None:
        rights = ccxt.binance(exchange.ccxt_options(account="two")).sapi_get_account_apirestrictions()
        assert rights["enableWithdrawals"] is True
        wrong = ccxt.binance({**exchange.ccxt_options(), "secret": "wrong"})
        with pytest.raises(ccxt.AuthenticationError):
            wrong.fetch_balance()
        exchange.fault("revoke_key", account="revoked")
        with pytest.raises(ccxt.AuthenticationError):
            ccxt.binance(exchange.ccxt_options(account="revoked")).fetch_balance()

    def test_time_window(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        for skew in (-30, 30):
            exchange.fault("clock_skew", seconds=skew)
            with pytest.raises(ccxt.InvalidNonce):
                binance.fetch_balance()

    def test_parameters_that_are_no_numbers(self, binance: ccxt.binance) -> None:
        with pytest.raises(ccxt.BadRequest):
            binance.public_get_klines({"symbol": "BTCUSDT", "interval": "1m", "startTime": "yesterday"})
        assert "-1100" in binance.last_http_response

    def test_weight_is_told(self, binance: ccxt.binance) -> None:
        binance.fetch_ticker(SYMBOL)
        assert int(binance.last_response_headers["X-Mbx-Used-Weight-1m"]) > 0

    def test_every_position_of_the_books_adds_up(self, exchange: RunningExchange) -> None:
        books = exchange.books("one")
        for asset, first in AT_FIRST.items():
            held = books["balances"]["one"][asset]
            assert Decimal(held["free"]) + Decimal(held["locked"]) == Decimal(first) + _moved(books["fills"], asset)


def _moved(fills: list[dict[str, Any]], asset: str) -> Decimal:
    total = Decimal(0)
    for fill in fills:
        sign = 1 if fill["side"] == "buy" else -1
        if asset == fill["symbol"].split("/")[0]:
            total += sign * Decimal(fill["quantity"])
        if asset == fill["symbol"].split("/")[1]:
            total -= sign * Decimal(fill["quote_quantity"])
        if asset == fill["fee_asset"]:
            total -= Decimal(fill["fee"])
    return total


class TestFaults:
    def test_reset_after_accept(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        exchange.fault("reset")
        name = own_id()
        with pytest.raises(ccxt.NetworkError):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        assert binance.fetch_order(None, SYMBOL, {"origClientOrderId": name})["status"] == "open"
        (sent,) = exchange.creates(name)
        assert (sent["applied"], sent["answered"]) == (True, "reset")
        binance.cancel_all_orders(SYMBOL)

    def test_blackhole_never_receives(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        binance.timeout = 500
        exchange.fault("blackhole", on="create", count=1)
        name = own_id()
        with pytest.raises(ccxt.RequestTimeout):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        assert exchange.creates(name)[0]["applied"] is False
        with pytest.raises(ccxt.OrderNotFound):
            binance.fetch_order(None, SYMBOL, {"origClientOrderId": name})

    def test_fills_then_times_out(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        binance.timeout = 500
        exchange.fault("fill_then_timeout")
        name = own_id()
        with pytest.raises(ccxt.RequestTimeout):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        order = binance.fetch_order(None, SYMBOL, {"origClientOrderId": name})
        assert (order["status"], order["average"]) == ("closed", 50000)

    def test_read_lag(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        exchange.fault("lag", seconds=0.8)
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        with pytest.raises(ccxt.OrderNotFound):
            binance.fetch_order(order["id"], SYMBOL)
        assert binance.fetch_open_orders(SYMBOL) == []
        deadline = time.monotonic() + 5
        while not binance.fetch_open_orders(SYMBOL) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert binance.cancel_order(order["id"], SYMBOL)["status"] == "canceled"

    @pytest.mark.parametrize(
        ("status", "error"), [(503, ccxt.ExchangeError), (504, ccxt.RequestTimeout), (429, ccxt.DDoSProtection)]
    )
    @pytest.mark.parametrize("executed", [True, False])
    def test_errors_executed_or_not(
        self, binance: ccxt.binance, exchange: RunningExchange, status: int, error: type[Exception], executed: bool
    ) -> None:
        binance.load_markets()
        exchange.fault("status", status=status, executed=executed)
        name = own_id()
        with pytest.raises(error):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        found = [order for order in exchange.books("one")["orders"] if order["client_id"] == name]
        assert len(found) == executed

    def test_web_page_with_status_200(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        exchange.fault("html", on="ticker")
        assert binance.fetch_ticker(SYMBOL)["last"] is None

    def test_outage_for_a_while_and_refused_connections(self, exchange: RunningExchange) -> None:
        client = ccxt.binance(exchange.ccxt_options())
        client.load_markets()
        exchange.fault("outage", on="query", seconds=60)
        with pytest.raises(ccxt.NetworkError):
            client.fetch_open_orders(SYMBOL)
        assert client.fetch_ticker(SYMBOL)["last"] == 60000
        exchange.clear_faults()
        exchange.fault("refuse_connections", seconds=60)
        fresh = ccxt.binance(exchange.ccxt_options())
        with pytest.raises(ccxt.NetworkError):
            fresh.fetch_time()
        exchange.clear_faults()
        assert _eventually(fresh.fetch_time) > 0

    def test_late_fill_after_cancel(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        exchange.fault("late_fill", seconds=0.1)
        assert binance.cancel_order(order["id"], SYMBOL)["status"] == "canceled"
        exchange.wait_for_truth(lambda lines: any(str(line["order_id"]) == order["id"] for line in lines), "fill")
        late = binance.fetch_order(order["id"], SYMBOL)
        assert (late["status"], late["filled"]) == ("canceled", 0.01)

    def test_partial_fill(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        exchange.fault("partial_fill", share="0.3")
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        assert (order["status"], order["filled"]) == ("open", 0.003)
        assert binance.cancel_order(order["id"], SYMBOL)["filled"] == 0.003

    def test_cancel_that_times_out(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        binance.timeout = 500
        exchange.fault("timeout", on="cancel", executed=False)
        with pytest.raises(ccxt.RequestTimeout):
            binance.cancel_order(order["id"], SYMBOL)
        assert binance.fetch_order(order["id"], SYMBOL)["status"] == "open"
        binance.cancel_order(order["id"], SYMBOL)

    def test_duplicate_answer_for_an_order_that_was_taken(
        self, binance: ccxt.binance, exchange: RunningExchange
    ) -> None:
        binance.load_markets()
        exchange.fault("duplicate_client_id")
        name = own_id()
        with pytest.raises(ccxt.InvalidOrder):
            binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": name})
        order = binance.fetch_order(None, SYMBOL, {"origClientOrderId": name})
        binance.cancel_order(order["id"], SYMBOL)

    def test_stale_ticker_and_price_jump(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        before = binance.fetch_ticker(SYMBOL)["last"]
        exchange.fault("stale_ticker", symbol=SYMBOL, seconds=60)
        binance.fetch_ticker(SYMBOL)
        exchange.fault("price_jump", symbol=SYMBOL, percent=-10)
        assert binance.fetch_ticker(SYMBOL)["last"] == before
        exchange.clear_faults()
        assert binance.fetch_ticker(SYMBOL)["last"] == before * 0.9

    def test_filters_change_in_session(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        binance.load_markets()
        exchange.fault("filter_change", symbol="ETH/USDT", step_size="0.1", min_quantity="0.1")
        with pytest.raises(ccxt.InvalidOrder):
            binance.create_order("ETH/USDT", "limit", "buy", 0.05, 2000)
        assert binance.load_markets(True)["ETH/USDT"]["precision"]["amount"] == 0.1

    def test_another_client_of_the_account(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        told = exchange.fault("foreign_order", account="one", symbol=SYMBOL, side="buy", quantity="0.01", price="50000")
        exchange.fault("foreign_trade", account="one", symbol=SYMBOL, side="buy", quantity="0.01")
        assert str(told["order_id"]) in {order["id"] for order in binance.fetch_open_orders(SYMBOL)}
        before = binance.fetch_balance()["USDT"]["free"]
        exchange.fault("balance_change", account="one", asset="USDT", amount="-100")
        assert binance.fetch_balance()["USDT"]["free"] == pytest.approx(before - 100)
        exchange.fault("balance_change", account="one", asset="USDT", amount="100")
        binance.cancel_all_orders(SYMBOL)

    def test_nonsense(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        order = binance.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        exchange.fault("partial_fill", share="0.5")
        exchange.fault("nonsense", on="fetch_order", shape="unknown_status")
        assert binance.fetch_order(order["id"], SYMBOL)["status"] == "QUANTUM"
        exchange.fault("nonsense", on="fetch_order", shape="negative_fill")
        assert binance.fetch_order(order["id"], SYMBOL)["info"]["executedQty"].startswith("-")
        binance.cancel_order(order["id"], SYMBOL)

    def test_probability_is_reproducible_by_seed(self, binance: ccxt.binance, exchange: RunningExchange) -> None:
        def struck() -> list[bool]:
            exchange.control("POST", "seed", {"seed": 11})
            fault = exchange.fault("status", on="ticker", probability=0.5)
            exchange.control("POST", "seed", {"seed": fault["id"]})  # the draw is named by seed and number
            outcomes = []
            for _ in range(20):
                try:
                    binance.public_get_ticker_price({"symbol": "BTCUSDT"})
                    outcomes.append(False)
                except ccxt.BaseError:
                    outcomes.append(True)
            lines = [line for line in exchange.truth("request") if line["operation"] == "ticker"][-20:]
            assert [bool(line["faults"]) for line in lines] == outcomes
            return outcomes

        assert len(set(struck())) == 2

    def test_a_wrong_fault_is_refused_with_a_sentence(self, exchange: RunningExchange) -> None:
        with pytest.raises(ValueError, match="kind was 'earthquake'; known are"):
            exchange.fault("earthquake")


def _eventually(ask: Callable[[], Any], seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except ccxt.NetworkError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class TestStreams:
    async def test_own_orders_trades_and_balance(self, streams: Any, exchange: RunningExchange) -> None:
        await streams.load_markets()
        watched = [asyncio.create_task(work) for work in (streams.watch_orders(), streams.watch_my_trades())]
        balance = asyncio.create_task(streams.watch_balance())
        await _until(lambda: "spot" in _subscriptions(streams))
        await asyncio.sleep(0)
        order = await _retry(lambda: streams.create_order(SYMBOL, "market", "buy", 0.01))
        orders, trades = await asyncio.wait_for(asyncio.gather(*watched), 10)
        assert orders[-1]["id"] == order["id"]
        assert trades[-1]["order"] == order["id"]
        assert trades[-1]["fee"] == {"cost": 0.00001, "currency": "BTC"}
        assert (await asyncio.wait_for(balance, 10))["BTC"]["free"] > 0

    async def test_market_streams(self, streams: Any, exchange: RunningExchange) -> None:
        await streams.load_markets()
        work = (
            streams.watch_ticker(SYMBOL),
            streams.watch_bids_asks([SYMBOL]),
            streams.watch_ohlcv(SYMBOL, "1m"),
            streams.watch_trades(SYMBOL),
            streams.watch_order_book(SYMBOL),
        )
        tasks = [asyncio.create_task(one) for one in work]

        async def move() -> None:
            for step in range(200):
                await asyncio.to_thread(exchange.price, SYMBOL, str(61000 + step))
                if all(task.done() for task in tasks):
                    return
                await asyncio.sleep(0.05)

        mover = asyncio.create_task(move())
        ticker, quotes, bars, trades, book = await asyncio.wait_for(asyncio.gather(*tasks), 15)
        await mover
        assert ticker["last"] >= 61000
        assert quotes[SYMBOL]["bid"] < quotes[SYMBOL]["ask"]
        assert bars[-1][4] >= 61000
        assert trades[-1]["price"] >= 61000
        assert book["bids"][0][0] < book["asks"][0][0]

    @pytest.mark.parametrize(("kind", "copies"), [("drop_event", 0), ("duplicate_event", 2)])
    async def test_faulty_streams(self, streams: Any, exchange: RunningExchange, kind: str, copies: int) -> None:
        await streams.load_markets()
        for left in await streams.fetch_open_orders(SYMBOL):  # by another test: it would trade as well
            await streams.cancel_order(left["id"], SYMBOL)
        first = asyncio.create_task(streams.watch_orders())
        await _until(lambda: "spot" in _subscriptions(streams))
        seen: list[dict[str, Any]] = []
        client = next(one for url, one in streams.clients.items() if "ws-api" in url)
        handle = client.on_message_callback
        client.on_message_callback = lambda one, message: (seen.append(message), handle(one, message))
        await _retry(lambda: streams.create_order(SYMBOL, "limit", "buy", 0.01, 50000))
        await asyncio.wait_for(first, 10)
        exchange.fault(kind, event="trade")
        await asyncio.to_thread(exchange.price, SYMBOL, "49000")
        await _until(lambda: sum(_event(message) == "outboundAccountPosition" for message in seen) > 1)
        trades = [message for message in seen if message.get("event", {}).get("x") == "TRADE"]
        assert len(trades) == copies

    async def test_cut_streams_come_back(self, streams: Any, exchange: RunningExchange) -> None:
        await streams.load_markets()
        watched = asyncio.create_task(streams.watch_orders())
        await _until(lambda: "spot" in _subscriptions(streams))
        assert exchange.fault("disconnect_streams")["cut"] == 1
        with pytest.raises(ccxt.NetworkError):
            await asyncio.wait_for(watched, 10)
        again = asyncio.create_task(streams.watch_orders())
        await _until(lambda: "spot" in _subscriptions(streams))
        order = await streams.create_order(SYMBOL, "market", "buy", 0.01)
        assert (await asyncio.wait_for(again, 10))[-1]["id"] == order["id"]

    async def test_listen_key_stream(self, streams: Any, exchange: RunningExchange) -> None:
        await streams.load_markets()
        key = (await streams.public_post_userdatastream())["listenKey"]
        await streams.close()
        import aiohttp

        async with aiohttp.ClientSession() as session, session.ws_connect(f"{exchange.url}/ws/{key}") as socket:
            exchange.fault("balance_change", account="one", asset="ETH", amount="1")
            message = await asyncio.wait_for(socket.receive_json(), 5)
        assert (message["e"], message["a"]) == ("balanceUpdate", "ETH")


def _event(message: dict[str, Any]) -> str:
    return str(message.get("event", {}).get("e", ""))


def _subscriptions(client: Any) -> set[str]:
    ready: set[str] = set()
    for url, one in client.clients.items():
        if "ws-api" in url and not any("authenticate" in name for name in one.futures):
            ready |= set(one.subscriptions)
    return ready


async def _until(check: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "Waited for the stream."
        await asyncio.sleep(0.02)


async def _retry(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


class TestAsync:
    async def test_async_client_trades(self, exchange: RunningExchange) -> None:
        client = ccxt.async_support.binance(exchange.ccxt_options())
        try:
            order = await client.create_order(SYMBOL, "market", "buy", 0.01)
            assert order["status"] == "closed"
            exchange.fault("reset")
            with pytest.raises(ccxt.BaseError):
                await client.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "async-reset"})
        finally:
            await client.close()
        (sent,) = exchange.creates("async-reset")
        assert sent["applied"] is True


class TestKraken:
    def test_order_from_birth_to_fill(self, kraken: ccxt.kraken, exchange: RunningExchange) -> None:
        order = kraken.create_order(SYMBOL, "limit", "buy", 0.01, 59000, {"clientOrderId": "kraken-1"})
        found = kraken.fetch_order(order["id"])
        assert (found["status"], found["clientOrderId"], found["price"]) == ("open", "kraken-1", 59000)
        assert [one["id"] for one in kraken.fetch_open_orders(SYMBOL)] == [order["id"]]
        exchange.price(SYMBOL, "58900")
        assert kraken.fetch_order(order["id"])["status"] == "closed"
        trade = kraken.fetch_my_trades(SYMBOL)[-1]
        assert (trade["price"], trade["order"], trade["fee"]["currency"]) == (59000, order["id"], "USDT")
        assert order["id"] in {one["id"] for one in kraken.fetch_closed_orders(SYMBOL)}
        books = exchange.books("two")
        held = books["balances"]["two"]["USDT"]
        assert Decimal(held["free"]) + Decimal(held["locked"]) == 10000 + _moved(books["fills"], "USDT")

    def test_stops_amends_cancels_and_funds(self, kraken: ccxt.kraken, exchange: RunningExchange) -> None:
        stop = kraken.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 58000})
        assert kraken.fetch_order(stop["id"])["status"] == "open"
        limit = kraken.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        kraken.edit_order(limit["id"], SYMBOL, "limit", "buy", 0.02, 51000)
        assert kraken.fetch_order(limit["id"])["amount"] == 0.02
        assert Decimal(exchange.books("two")["balances"]["two"]["USDT"]["locked"]) == Decimal("0.02") * 51000 * Decimal(
            "1.001"
        )
        kraken.cancel_order(limit["id"])
        exchange.price(SYMBOL, "57000")
        assert kraken.fetch_order(stop["id"])["status"] == "closed"
        with pytest.raises(ccxt.InsufficientFunds):
            kraken.create_order(SYMBOL, "limit", "buy", 10, 50000)
        with pytest.raises(ccxt.OrderNotFound):
            kraken.cancel_order(limit["id"])

    def test_market_data_and_faults(self, kraken: ccxt.kraken, exchange: RunningExchange) -> None:
        ticker = kraken.fetch_ticker(SYMBOL)
        assert ticker["bid"] < 60000 < ticker["ask"]
        assert kraken.fetch_ohlcv(SYMBOL, "1m")[-1][4] == 60000
        assert kraken.fetch_order_book(SYMBOL, 3)["asks"][0][0] == ticker["ask"]
        exchange.fault("status", status=503)
        with pytest.raises(ccxt.ExchangeNotAvailable):
            kraken.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        exchange.fault("reset")
        with pytest.raises(ccxt.NetworkError):
            kraken.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "kraken-reset"})
        assert exchange.creates("kraken-reset")[0]["applied"] is True

    def test_signature_is_checked(self, exchange: RunningExchange) -> None:
        wrong = ccxt.kraken({**exchange.ccxt_options("kraken"), "secret": "d3Jvbmc="})
        with pytest.raises(ccxt.BaseError):
            wrong.fetch_balance()
        assert "EAPI:Invalid signature" in wrong.last_http_response


def test_limits_refuse_then_ban(tmp_path: Path) -> None:
    with RunningExchange(tmp_path, weight_limit=50, order_limit=2) as running:
        client = ccxt.binance(running.ccxt_options(enableRateLimit=False))
        client.load_markets()
        for _ in range(2):
            client.create_order(SYMBOL, "limit", "buy", 0.001, 50000)
        with pytest.raises(ccxt.DDoSProtection):
            client.create_order(SYMBOL, "limit", "buy", 0.001, 50000)
        assert "-1015" in client.last_http_response
        assert 1 <= int(client.last_response_headers["Retry-After"]) <= 10
        told = set()
        for _ in range(120):
            with contextlib.suppress(ccxt.DDoSProtection):
                client.fetch_time()
            told.add(client.last_http_response)
        assert any("Too much request weight" in text for text in told)
        assert any("IP banned" in text for text in told)
        assert int(client.last_response_headers["Retry-After"]) > 1


def test_killed_simulator_goes_on_from_its_truth(tmp_path: Path) -> None:
    running = RunningExchange(tmp_path).start()
    try:
        client = ccxt.binance(running.ccxt_options())
        client.create_order(SYMBOL, "market", "buy", 0.01)
        resting = client.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "survivor"})
        running.advance(bars=3)
        running.price(SYMBOL, "55000")
        before, market = running.books(), running.control("GET", "status")
        running.kill()
        running.restart()
        after = running.books()
        assert {name: after[name] for name in ("orders", "fills", "balances")} == {
            name: before[name] for name in ("orders", "fills", "balances")
        }
        again = running.control("GET", "status")
        assert (again["market_ms"], again["prices"]) == (market["market_ms"], market["prices"])
        assert client.cancel_order(resting["id"], SYMBOL)["status"] == "canceled"
    finally:
        running.stop()


def test_recorded_prices(tmp_path: Path) -> None:
    import gzip

    rows = [f"{1_704_067_200_000 + 300_000 * n},{100 + n},{101 + n},{99 + n},{100.5 + n},10" for n in range(600)]
    file = tmp_path / "binance_BTCUSDT_5m.csv.gz"
    file.write_bytes(gzip.compress("\n".join(["timestamp_ms,open,high,low,close,volume", *rows]).encode()))
    with RunningExchange(tmp_path, prices=str(tmp_path), symbols=SYMBOL, start="") as running:
        client = ccxt.binance(running.ccxt_options())
        bars = client.fetch_ohlcv(SYMBOL, "5m", limit=3)
        assert bars[-1][0] == 1_704_067_200_000 + 300_000 * 500
        running.advance(bars=1)
        assert client.fetch_ohlcv(SYMBOL, "5m", limit=2)[0][1:5] == [600, 601, 599, 600.5]
