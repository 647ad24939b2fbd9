"""The hot path's hops over Redis, without Celery: a question to an agent's process and a frame to a process of the web,
against the same payload over the same kind of channel with nothing of ours.

One way, by the machine's one monotonic clock: from the call that sends to the receiver's next line.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID

import orjson
import redis

from tests.benchmarks.measure import Line, p50, p99
from tests.benchmarks.redis_receiver import AGENT_ID, ANSWERS, BARE_CHANNEL, BARE_LIST, CHANNEL
from tests.support.running_firm import ROOT

TURNS, BATCH, WARM_UP = 20, 20, 20
START_SECONDS = 60
BARS = 120
Send = Callable[[], object]


def run() -> list[Line]:
    """p50 of a question's hop and of a frame's, each in turns with its bare twin."""
    question, order = _question(), {"id": str(AGENT_ID), "symbol": "BTC/USDT", "state": "FILLED", "note": "x" * 600}
    text, frame = orjson.dumps({"questions": [question]}), orjson.dumps(order)
    client = redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    pairs: list[tuple[str, str, Send, str, Send]] = [
        ("question to agent", "question", _asker(question), "list", lambda: client.rpush(BARE_LIST, text)),
        ("frame to hub", "frame", _publisher(order), "channel", lambda: client.publish(BARE_CHANNEL, frame)),
    ]
    lines = []
    for what, our_kind, ours, bare_kind, bare in pairs:
        with ExitStack() as running:
            for kind in (our_kind, bare_kind):
                running.callback(_end, _receiver(kind))
                _answer(client)  # it listens
            mine, theirs = _in_turns(client, ours, bare)
        told = f"hop over Redis, {what}, p50 ms (p99 {p99(mine):.2f}, bare {p99(theirs):.2f})"
        lines.append(Line(told, f"{p50(mine):.2f}", f"{p50(theirs):.2f}", f"{p50(mine) / p50(theirs):.2f}", "<= 2.0"))
    return lines


def _in_turns(client: redis.Redis, *sides: Send) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in sides]
    for send in sides:
        _time(client, send, WARM_UP)
    for _ in range(TURNS):
        for own, send in zip(found, sides, strict=True):
            own.extend(_time(client, send, BATCH))
    return found


def _time(client: redis.Redis, send: Send, times: int) -> list[float]:
    found = []
    for _ in range(times):
        start = time.monotonic_ns()
        send()
        found.append((_answer(client) - start) / 1e6)
    return found


def _answer(client: redis.Redis) -> int:
    answer = client.blpop([ANSWERS], timeout=START_SECONDS)
    if answer is None:
        raise TimeoutError(f"Nothing was received within {START_SECONDS} s.")
    return int(answer[1])


def _asker(question: dict[str, object]) -> Send:
    from apps.agents.operations.ask_agents import ask_agents

    return lambda: ask_agents({UUID(AGENT_ID): [question]})


def _publisher(order: dict[str, object]) -> Send:
    from apps.foundation import live_updates
    from apps.foundation.clock import wall_now

    return lambda: live_updates.publish(channel=CHANNEL, kind="delta", data=order, as_of=wall_now())


def _question() -> dict[str, object]:
    from apps.foundation.clock import wall_now

    closes = [50_000 + 0.5 * place for place in range(BARS)]
    at = wall_now()
    return {
        "round_id": AGENT_ID,
        "correlation_id": AGENT_ID,
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "closed_at": at.isoformat(),
        "deadline": (at + timedelta(minutes=5)).isoformat(),
        "fee_bps": 10.0,
        "bars": {"open_at_ms": [300_000 * place for place in range(BARS)]}
        | dict.fromkeys(("open", "high", "low", "close", "volume"), closes),
        "venues": [{"source": "one", "bid": 99.0, "ask": 99.1, "event_at": at.isoformat()}],
    }


def _receiver(kind: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.benchmarks.redis_receiver", kind], cwd=ROOT)


def _end(receiver: subprocess.Popen[bytes]) -> None:
    receiver.terminate()
    receiver.wait(30)
