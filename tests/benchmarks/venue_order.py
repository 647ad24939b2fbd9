"""An order at an exchange, from intent to acknowledgement, against bare ccxt sending it to the same simulator.

Ours: gate, books, the committed intent, the claim, the request through ccxt, the committed answer; in process, so
without the hop to the executor (the part ``hop``). Bare: ``create_order`` of ccxt's own class, nothing else.
"""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.benchmarks import order_desk
from tests.benchmarks.measure import Line, in_turns, p50, p99
from tests.support.running_exchange import UNMETERED, RunningExchange

SYMBOL, QUANTITY, PRICE = "BTC/USDT", "0.00011", "49000"  # rests below the mark; 80 of them fit into 1,000 USDT
ROUNDS, BATCH, WARM_UP = 6, 10, 5


def run() -> list[Line]:
    """What the house adds to an order, p50 in milliseconds."""
    with (
        tempfile.TemporaryDirectory(prefix="hq-bench-exchange-") as folder,
        RunningExchange(Path(folder), level_value=5_000_000, **UNMETERED) as running,
    ):
        return _measured(running)


def _measured(running: RunningExchange) -> list[Line]:
    from apps.trading.operations.risk.change_limits import change_limits
    from tests.support.exchange_desk import ExchangeDesk
    from tests.support.staged_market import stage_market

    order_desk.send_nothing()
    market = stage_market()
    desk = ExchangeDesk(market, running)
    change_limits(changes=order_desk.ROOM, actor="bench", reason="Room for the benchmark.", moment=market.moment)
    order_desk.show_quotes()
    bare = BareClient(running)

    def place() -> None:
        order_id = desk.propose(quantity=QUANTITY, type="limit", limit_price=Decimal(PRICE))
        if not desk.send(order_id):
            raise RuntimeError("The order was to be sent.")

    try:
        in_turns(1, WARM_UP, place, bare.place)
        ours, theirs = in_turns(ROUNDS, BATCH, place, bare.place)
        _check(desk)
    finally:
        bare.close()
        desk.venue.close()
    what = f"order at an exchange through ccxt, intent to acknowledgement, p50 ms (p99 {p99(ours):.1f})"
    added = p50(ours) - p50(theirs)
    return [Line(what, f"{p50(ours):.1f}", f"{p50(theirs):.1f}", f"{added:.1f} ms added", "< 15 ms added")]


def _check(desk: Any) -> None:
    from apps.trading.models import Order

    sent = ROUNDS * BATCH + WARM_UP
    working = Order.objects.filter(account_id=desk.name, state="ACCEPTED", venue_order_id__isnull=False).count()
    if working != sent:
        raise RuntimeError(f"{sent} orders were to be acknowledged, {working} are.")


class BareClient:
    """ccxt's own asynchronous class on a loop of its own."""

    def __init__(self, running: RunningExchange) -> None:
        from ccxt.async_support import binance

        self._loop = asyncio.new_event_loop()
        options = running.ccxt_options(enableRateLimit=False)

        async def opened() -> Any:
            client = binance(options)
            await client.load_markets()
            return client

        self._client = self._loop.run_until_complete(opened())

    def place(self) -> None:
        """One limit order, acknowledged."""
        order = self._client.create_order(SYMBOL, "limit", "buy", float(QUANTITY), float(PRICE))
        self._loop.run_until_complete(order)

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()
