"""Kraken's channel of executions by the unmodified streaming class, and stop-limits in Kraken's words."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.support.running_exchange import RunningExchange, test_account

SYMBOL = "BTC/USDT"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    accounts = [test_account("one", balances={"USDT": "100000", "BTC": "2"})]
    with RunningExchange(
        tmp_path_factory.mktemp("kraken"), accounts=accounts, level_value=5_000_000, order_limit=10_000
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(exchange: RunningExchange) -> Iterator[None]:
    exchange.clear_faults()
    exchange.price(SYMBOL, "60000")
    yield
    exchange.clear_faults()


@pytest.fixture
async def kraken(exchange: RunningExchange) -> AsyncIterator[Any]:
    client = ccxt.pro.kraken(exchange.ccxt_options("kraken", enableRateLimit=False))
    await client.load_markets()
    yield client
    await client.close()


async def subscribed(exchange: RunningExchange) -> None:
    await asyncio.to_thread(exchange.wait_for_stream, "one")


async def heard(work: Any) -> Any:
    return await asyncio.wait_for(work, 15)


async def watch_for_ever(kraken: Any) -> None:
    while True:
        await kraken.watch_my_trades()


async def watching(kraken: Any) -> Any:
    """A watch of orders that the next frame will wake."""
    task = asyncio.create_task(kraken.watch_orders())
    deadline = time.monotonic() + 15
    while not any("orders" in client.futures for client in kraken.clients.values()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return task


async def test_an_order_and_its_trades_are_told(kraken: Any, exchange: RunningExchange) -> None:
    trades = asyncio.create_task(kraken.watch_my_trades())
    orders = asyncio.create_task(kraken.watch_orders())
    await subscribed(exchange)
    placed = await kraken.create_order(SYMBOL, "limit", "buy", 0.01, 59000, {"clientOrderId": "stream-1"})
    new = (await heard(orders))[-1]
    assert (new["id"], new["status"], new["symbol"]) == (placed["id"], "open", SYMBOL)
    assert new["info"]["cl_ord_id"] == "stream-1"
    ended = await watching(kraken)
    await asyncio.to_thread(exchange.price, SYMBOL, "58900")
    trade = (await heard(trades))[-1]
    by_rest = (await kraken.fetch_my_trades(SYMBOL))[-1]
    assert [trade[name] for name in ("id", "order", "side", "price", "amount", "takerOrMaker", "timestamp")] == [
        by_rest[name] for name in ("id", "order", "side", "price", "amount", "takerOrMaker", "timestamp")
    ]
    assert trade["fee"]["currency"] == "USDT"
    assert trade["fee"]["cost"] == pytest.approx(by_rest["fee"]["cost"])
    order = (await heard(ended))[-1]
    assert (order["id"], order["status"], order["info"]["cum_qty"]) == (placed["id"], "closed", 0.01)


async def test_a_cancellation_is_told_by_the_orders_ids_alone(kraken: Any, exchange: RunningExchange) -> None:
    orders = asyncio.create_task(kraken.watch_orders())
    await subscribed(exchange)
    placed = await kraken.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "stream-2"})
    await heard(orders)
    ended = await watching(kraken)
    await kraken.cancel_order(placed["id"])
    order = (await heard(ended))[-1]
    assert (order["id"], order["status"], order["symbol"]) == (placed["id"], "canceled", None)
    assert order["info"]["reason"] == "User requested"


async def test_who_subscribes_is_shown_what_is_open_and_traded(kraken: Any, exchange: RunningExchange) -> None:
    left = await kraken.create_order(SYMBOL, "limit", "buy", 0.01, 49000)
    bought = await kraken.create_order(SYMBOL, "market", "buy", 0.01)
    trades = asyncio.create_task(kraken.watch_my_trades())
    orders = asyncio.create_task(kraken.watch_orders())
    assert left["id"] in {order["id"] for order in await heard(orders)}
    assert bought["id"] in {trade["order"] for trade in await heard(trades)}
    await kraken.cancel_order(left["id"])


async def test_a_wrong_token_is_refused_and_a_cut_stream_comes_back(kraken: Any, exchange: RunningExchange) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(f"{exchange.url}/v2") as socket:
        await socket.send_json({"method": "subscribe", "params": {"channel": "executions", "token": "x"}, "req_id": 3})
        assert (await socket.receive_json())["channel"] == "status"
        refused = await socket.receive_json()
        assert (refused["success"], refused["error"], refused["req_id"]) == (False, "ESession:Invalid session", 3)
        await socket.send_json({"method": "ping", "req_id": 4})
        assert await socket.receive_json() == {"method": "pong", "req_id": 4}
    watched = asyncio.create_task(watch_for_ever(kraken))
    await subscribed(exchange)
    await asyncio.to_thread(exchange.fault, "disconnect_streams")
    with pytest.raises(ccxt.NetworkError):
        await heard(watched)
    again = asyncio.create_task(watch_for_ever(kraken))
    await subscribed(exchange)
    order = await kraken.create_order(SYMBOL, "market", "buy", 0.01)
    deadline = time.monotonic() + 15
    # By what the class has kept: two frames between two watches wake only one of them.
    while order["id"] not in {trade["order"] for trade in kraken.myTrades or ()}:
        assert time.monotonic() < deadline, kraken.myTrades
        await asyncio.sleep(0.01)
    again.cancel()


@pytest.mark.parametrize(
    ("parameter", "trigger", "limit", "words"),
    [
        ("stopLossPrice", 58000, 57900, "sell 0.01000000 XBTUSDT @ stop loss 58000.0 -> limit 57900.0"),
        ("takeProfitPrice", 62000, 61900, "sell 0.01000000 XBTUSDT @ take profit 62000.0 -> limit 61900.0"),
    ],
)
async def test_stop_limits_are_described_as_kraken_does(
    kraken: Any, parameter: str, trigger: float, limit: float, words: str
) -> None:
    placed = await kraken.create_order(SYMBOL, "limit", "sell", 0.01, limit, {parameter: trigger})
    said, expected = placed["info"]["descr"]["order"].split(), words.split()
    numbers = [position for position, word in enumerate(expected) if word[0].isdigit()]
    assert [said[position] for position in range(len(expected)) if position not in numbers] == [
        expected[position] for position in range(len(expected)) if position not in numbers
    ]
    assert [float(said[position]) for position in numbers] == [float(expected[position]) for position in numbers]
    assert (placed["price"], placed["type"]) == (limit, "limit")
    found = await kraken.fetch_order(placed["id"])
    assert (found["price"], found[parameter], found["type"]) == (limit, trigger, "limit")
    await kraken.cancel_order(placed["id"])
