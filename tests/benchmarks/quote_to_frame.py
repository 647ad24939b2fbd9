"""From the release of a bar's quotes over votes and decision to the committed order and its frame at a client, for 64
instruments, against the sum of its bare parts measured in the same run.

Counted: the clock's ``released_at`` of the bar that was decided on, up to the arrival of the order's first frame at a
client on this machine. The bare parts, once of one order and once of a bar as this one: two hops over a Redis stream
(question and vote), the votes of the four rule strategies on 64 windows in one process after another, six statements
that book one order, and one frame of the hub; of a bar also the other windows, votes, rows and orders (``bare_bar``).
"""

import asyncio
import json
import os
import threading
import time
from datetime import datetime
from uuid import UUID

import psycopg
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from apps.foundation.clock import wall_now
from tests.benchmarks import bare_bar, bare_order, fan_out
from tests.benchmarks.measure import Line, milliseconds, p50
from tests.support.running_firm import RunningFirm

INSTRUMENTS = 64
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", *(f"C{number:02}/USDT" for number in range(INSTRUMENTS - 3))]
REACH = {"INSTRUMENTS": ",".join(SYMBOLS)}
LONGEST_SECONDS, ENOUGH_ORDERS = 150, 60
ROUNDS = 200
STREAM = "bench:hop"
ORDERS = """
    SELECT o.id, d.closed_at, o.proposed_wall FROM trading_order o JOIN agents_decision d ON d.id = o.decision_id
    WHERE o.origin = 'consensus' AND o.proposed_wall > %s"""


def run(firm: RunningFirm) -> list[Line]:
    """p50 of the whole way and of its last half, beside the bare parts of one order and of a whole bar."""
    seen = _Frames(fan_out.address_of(firm), firm.url)
    try:
        released, orders = _watch(os.environ["DATABASE_URL"])
    finally:
        seen.end()
    way = [(row, released[bar]) for row, bar, _ in orders if bar in released and row in seen.arrived]
    if not way:
        return [Line(f"quote to frame, {INSTRUMENTS} instruments", "no order", "-", "-", "<= 2.0")]
    whole = p50([_ms(seen.arrived[row] - at) for row, at in way])
    committed = {row: at for row, _, at in orders}
    last = p50([_ms(seen.arrived[row] - committed[row]) for row, _ in way])
    a_bar = len(way) / len({at for _, at in way})
    frame = asyncio.run(fan_out.bare_delay())
    parts = bare_bar.parts(INSTRUMENTS, a_bar) | {"frame": frame}
    one, bar = 2 * _hop() + parts["votes"] + _order() + frame, sum(parts.values())
    what = f"quote to vote to committed order to frame, {INSTRUMENTS} instruments, {len(way)} orders"
    told = ", ".join(f"{name} {took:.1f}" for name, took in parts.items())
    return [
        Line(
            f"{what}, p50 ms, against the bare parts of one", f"{whole:.0f}", f"{one:.1f}", _ratio(whole, one), "<= 2.0"
        ),
        Line(
            f"the same against those of a bar of {a_bar:.0f} ({told})",
            f"{whole:.0f}",
            f"{bar:.1f}",
            _ratio(whole, bar),
            "-",
        ),
        Line("of it from the intent to the frame, p50 ms", f"{last:.0f}", "-", "-", "-"),
    ]


def _ratio(ours: float, bare: float) -> str:
    return f"{ours / bare:.1f}"


def _ms(span) -> float:
    return span.total_seconds() * 1_000


class _Frames:
    """A client that notes when each order was first told of."""

    def __init__(self, address: str, origin: str) -> None:
        self.arrived: dict[UUID, datetime] = {}
        self._socket = connect(address, origin=origin, max_size=None)
        self._socket.send(json.dumps({"op": "subscribe", "channels": ["orders"]}))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for text in self._socket:
                at, frame = wall_now(), json.loads(text)
                data = frame.get("data")
                for row in data if isinstance(data, list) else [data]:
                    if isinstance(row, dict) and "id" in row:
                        self.arrived.setdefault(UUID(row["id"]), at)
        except ConnectionClosed:
            return

    def end(self) -> None:
        self._socket.close()
        self._reader.join(10)


def _watch(database: str) -> tuple[dict[datetime, datetime], list[tuple[UUID, datetime, datetime]]]:
    """When each bar was released, and the orders with the bar they were decided on and when they were meant."""
    released: dict[datetime, datetime] = {}
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("LISTEN hq_bar")
        began = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        (standing,) = connection.execute("SELECT bar_at FROM market_marketclock").fetchone()
        orders: list[tuple[UUID, datetime, datetime]] = []
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline and len(orders) < ENOUGH_ORDERS:
            list(connection.notifies(timeout=2, stop_after=1))
            bar, at = connection.execute("SELECT bar_at, released_at FROM market_marketclock").fetchone()
            if bar != standing:  # the bar that a starting house stood at waited for its agents
                released[bar] = at
            orders = connection.execute(ORDERS, [began]).fetchall()
    return released, orders


def _hop() -> float:
    client = redis.from_url(os.environ["REDIS_URL"])
    client.delete(STREAM)
    last = "0"

    def hop() -> None:
        nonlocal last
        client.xadd(STREAM, {"vote": "x" * 400}, maxlen=100)
        ((_, entries),) = client.xread({STREAM: last})
        last = entries[-1][0]

    return p50([milliseconds(hop) for _ in range(ROUNDS)])


def _order() -> float:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        portfolio = bare_order.make_tables(connection)[0]
        return p50([milliseconds(lambda: bare_order.place(connection, portfolio)) for _ in range(ROUNDS)])
