"""One update to many sockets: our hub against a bare ASGI app fed by one Redis subscription, both under uvicorn.

Either side's updates are published by a synchronous client in a thread of this process, as the house's parts publish.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import redis

from tests.benchmarks.frame_counter import Tally, connect
from tests.benchmarks.measure import Line, p50, p99
from tests.support.running_firm import ROOT, RunningFirm, free_port

CHANNEL = "orders"
MARKER = b"fan-out-mark"
OUTSTANDING = 8
PAUSE = 0.05  # between two updates of the gentle pace
BEFOREHAND = 1_500  # updates that no socket buffer of an unread client holds
PAYLOAD = {"mark": MARKER.decode(), "symbol": "BTC/USDT", "bid": "63120.5", "ask": "63120.6", "n": 0}
Publish = Callable[[int], Awaitable[object]]


def run(firm: RunningFirm, seconds: float = 3.0, rounds: int = 3) -> list[Line]:
    """Messages delivered a second, the median of ``rounds`` turns, with 100 and with 500 clients."""
    return asyncio.run(_run(firm, seconds, rounds))


def run_blocked(firm: RunningFirm, seconds: float = 3.0, rounds: int = 4) -> list[Line]:
    """Time of an update to reach 500 clients at a gentle pace, with one of them blocked and with none, in turns."""
    return asyncio.run(_run_blocked(firm, seconds, rounds))


async def _run_blocked(firm: RunningFirm, seconds: float, rounds: int) -> list[Line]:
    free: list[float] = []
    blocked: list[float] = []
    for _ in range(rounds):
        free += await _delays(firm, 500, seconds, 0)
        blocked += await _delays(firm, 500, seconds, 1)
    lines = []
    for name, of in (("p50", p50), ("p99", p99)):
        with_one, with_none = of(blocked), of(free)
        what = f"update to all of 500 sockets, one more blocked, {name} ms (bare: ours, none blocked)"
        goal = "<= 1.5" if name == "p99" else "-"
        lines.append(Line(what, f"{with_one:.1f}", f"{with_none:.1f}", f"{with_one / with_none:.2f}", goal))
    return lines


async def _delays(firm: RunningFirm, clients: int, seconds: float, blocked: int) -> list[float]:
    """Milliseconds from publishing an update until the last of the listening clients has it, one update at a time."""
    hello = json.dumps({"op": "subscribe", "channels": [CHANNEL]}).encode()
    tally, publish = Tally(MARKER), _our_publisher()
    counters = [await connect(address_of(firm), hello, tally) for _ in range(clients + blocked)]
    await _warm_up(publish, tally, clients + blocked)
    for counter in counters[clients:]:
        counter.transport.pause_reading()
    await _fill_buffers(publish, tally, clients, blocked)
    found, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start, seen = time.perf_counter(), tally.seen
        await publish(len(found))
        await tally.wait(seen + clients, 30)
        found.append((time.perf_counter() - start) * 1_000)
        await asyncio.sleep(PAUSE)
    for counter in counters:
        counter.transport.abort()
    return found


async def _fill_buffers(publish: Publish, tally: Tally, clients: int, blocked: int) -> None:
    """What a blocked client does not read fills its socket first; only then does the server feel it."""
    for number in range(BEFOREHAND if blocked else 0):
        seen = tally.seen
        await publish(number)
        await tally.wait(seen + clients, 30)


async def _run(firm: RunningFirm, seconds: float, rounds: int) -> list[Line]:
    lines = []
    for clients in (100, 500):
        port = free_port()
        bare = _start_bare(port)
        try:
            await _until_open(port)
            ours, theirs, blocked = [], [], []
            for _ in range(rounds):
                theirs.append(await _rate(f"ws://127.0.0.1:{port}/ws", b"", clients, seconds, _bare_publisher()))
                ours.append(await _our_rate(firm, clients, seconds))
            blocked.append(await _our_rate(firm, clients, seconds, blocked=1))
        finally:
            bare.terminate()
            bare.wait(10)
        mine, bare_rate = sorted(ours)[len(ours) // 2], sorted(theirs)[len(theirs) // 2]
        what = f"fan-out to {clients} sockets, frames/s"
        lines.append(Line(what, f"{mine:,.0f}", f"{bare_rate:,.0f}", f"{mine / bare_rate:.2f}", ">= 0.8"))
        what = f"... with one blocked client among {clients}, frames/s (bare: none blocked)"
        lines.append(Line(what, f"{blocked[0]:,.0f}", f"{bare_rate:,.0f}", f"{blocked[0] / bare_rate:.2f}", ">= 0.7"))
    return lines


def _start_bare(port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.benchmarks.bare_fan_out:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    return subprocess.Popen(
        [*command, "--no-access-log"], cwd=ROOT, env=os.environ | {"REDIS_URL": os.environ["REDIS_URL"]}
    )


async def _until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def _bare_publisher() -> Publish:
    client = redis.from_url(os.environ["REDIS_URL"])

    async def publish(number: int) -> object:
        return await asyncio.to_thread(client.publish, "bare", json.dumps(PAYLOAD | {"n": number}))

    return publish


def _our_publisher() -> Publish:
    from apps.foundation import live_updates
    from apps.foundation.clock import wall_now

    async def publish(number: int) -> object:
        data = PAYLOAD | {"n": number}
        return await asyncio.to_thread(live_updates.publish, channel=CHANNEL, kind="delta", data=data, as_of=wall_now())

    return publish


async def _our_rate(firm: RunningFirm, clients: int, seconds: float, blocked: int = 0) -> float:
    hello = json.dumps({"op": "subscribe", "channels": [CHANNEL]}).encode()
    return await _rate(firm, hello, clients, seconds, _our_publisher(), blocked=blocked)


async def _rate(
    where: str | RunningFirm, hello: bytes, clients: int, seconds: float, publish: Publish, *, blocked: int = 0
) -> float:
    """Frames delivered a second with ``OUTSTANDING`` updates on their way (closed loop)."""
    tally = Tally(MARKER)
    counters = [await connect(address_of(where), hello, tally) for _ in range(clients)]
    for counter in counters[:blocked]:
        counter.transport.pause_reading()
    listening = clients - blocked
    await _warm_up(publish, tally, listening)
    start, first, sent = time.perf_counter(), tally.seen, 0
    while time.perf_counter() - start < seconds:
        await publish(sent)
        sent += 1
        await tally.wait(first + (sent - OUTSTANDING) * listening, 30)
    await tally.wait(first + sent * listening, 30)
    rate = (tally.seen - first) / (time.perf_counter() - start)
    for counter in counters:
        counter.transport.abort()
    return rate


async def _warm_up(publish: Publish, tally: Tally, listening: int) -> None:
    """Publish until one update has reached every client, so that all are subscribed before the clock starts."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        before = tally.seen
        await publish(-1)
        await asyncio.sleep(0.2)
        if tally.seen - before >= listening:
            return
    raise TimeoutError(f"{listening} clients were to receive an update; {tally.seen} frames came.")


async def bare_delay(times: int = 100) -> float:
    """Milliseconds from publishing an update until the one client of the bare app has it, p50."""
    port = free_port()
    bare = _start_bare(port)
    try:
        await _until_open(port)
        tally, publish = Tally(MARKER), _bare_publisher()
        counter = await connect(f"ws://127.0.0.1:{port}/ws", b"", tally)
        await _warm_up(publish, tally, 1)
        found = []
        for number in range(times):
            start, seen = time.perf_counter(), tally.seen
            await publish(number)
            await tally.wait(seen + 1, 30)
            found.append((time.perf_counter() - start) * 1_000)
        counter.transport.abort()
    finally:
        bare.terminate()
        bare.wait(10)
    return p50(found)


def address_of(where: str | RunningFirm) -> str:
    """Where to connect: at a firm with a ticket of its own."""
    if isinstance(where, str):
        return where
    status, answer = where.call("POST", "auth/ws-ticket/", {})
    assert status in {200, 201}, answer
    return f"ws://127.0.0.1:{where.port}/ws/v1/stream/?ticket={answer['ticket']}"
