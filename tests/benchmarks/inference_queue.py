"""The whole way of windows through the real queue: from sending the batch to the last vote in the agents' streams.

The worker is the one that the house starts for ``cpu0``. Beside it stands the forward pass in this process. What waits
is timed by the clock, which a busy machine stretches.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psutil

from apps.agents import operations
from apps.agents.domain.neural.feature_message import packed
from apps.agents.domain.neural.feature_reading import checked_window
from apps.agents.domain.neural.window_batch import WindowBatch
from apps.agents.domain.vote_entry import votes_in
from apps.agents.queries.inference_devices import BOARD
from apps.foundation import redis_pool
from apps.foundation.clock import wall_now
from apps.market.queries import current_moment
from apps.trading.operations import open_portfolio
from tests.benchmarks.measure import Line, in_turns, p50, p99
from tests.support.inference_worker import InferenceWorker
from tests.support.leading import lead

START_SECONDS = 90.0
ANSWER_SECONDS = 30.0
TURNS, BATCH = 10, 5
STREAM_OF_MESSAGES = 20
ASKED_BY = 4  # agents
Message = tuple[list[dict[str, Any]], bytes]  # what it says of each agent's windows, and the windows


def run(forward, model: str, windows) -> list[Line]:
    """What the queue adds to a pass, its gain over a message a window, and what a message costs its worker."""
    open_portfolio(currency="USDT", capital=Decimal(1000), moment=current_moment())
    lead()
    with TemporaryDirectory(prefix="hq-bench-inference-") as folder:
        worker = InferenceWorker(Path(folder) / "home")
        try:
            _until_alive(worker)
            return _measured(forward, model, windows, worker)
        finally:
            worker.end()


def rounds_of(agents: int, count: int) -> list[dict[str, Any]]:
    """What a message says of ``count`` windows of so many new agents, each with as many."""
    each = count // agents
    return [
        {
            "agent_id": str(uuid4()),
            "timeframe": "5m",
            "parameters": {},
            "expires_at": "2026-01-05T08:05:00+00:00",
            "data_as_of": "2026-01-05T08:00:00+00:00",
            "rounds": [
                {"round_id": str(uuid4()), "symbol": f"C{place}/USDT", "correlation_id": str(uuid4())}
                for place in range(number * each, (number + 1) * each)
            ],
        }
        for number in range(agents)
    ]


def _measured(forward, model: str, windows, worker: InferenceWorker) -> list[Line]:
    count = len(windows)
    contents = [checked_window(packed(window)) for window in windows]
    whole = b"".join(contents)
    sent: dict[str, list[Message]] = {}

    def write() -> None:  # each time of new agents, whose streams are empty; that is nobody's time
        sent["together"] = [(rounds_of(ASKED_BY, count), whole)]
        sent["single"] = [(rounds_of(1, 1), content) for content in contents]
        sent["stream"] = [(rounds_of(ASKED_BY, count), whole) for _ in range(STREAM_OF_MESSAGES)]

    def judged(what: str) -> Callable[[], None]:
        return lambda: _judged(sent[what], model)

    write()
    _judged(sent["together"], model)
    together, single, bare = in_turns(
        TURNS, BATCH, judged("together"), judged("single"), lambda: forward(windows), settle=write
    )
    return [
        Line(
            f"{count} windows through the queue, from sending to the last vote, p50, ms (p99 {p99(together):.1f})",
            f"{p50(together):.1f}",
            f"{p50(bare):.1f} (forward pass)",
            f"{p50(together) - p50(bare):.1f} ms added",
            "<= 5 ms or one pass added",
        ),
        Line(
            f"{count} windows through the queue in one message, p50, ms",
            f"{p50(together):.1f}",
            f"{p50(single):.0f} (a message a window, judged as they wait, four at most)",
            f"{p50(single) / p50(together):.1f}x faster",
            "",
        ),
        _of_the_processor(forward, windows, worker, lambda: (write(), _judged(sent["stream"], model))),
    ]


def _of_the_processor(forward, windows, worker: InferenceWorker, stream: Callable[[], object]) -> Line:
    """What a message costs the whole worker while many wait."""
    process = psutil.Process(worker.process.pid)
    before = process.cpu_times()
    for _ in range(TURNS):
        stream()
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    each = 1e3 * spent / (TURNS * STREAM_OF_MESSAGES)
    (bare,) = in_turns(TURNS, BATCH, lambda: forward(windows), clock=time.process_time)
    return Line(
        f"{len(windows)} windows in a stream of messages, the whole worker's time of the processor, ms a message",
        f"{each:.1f}",
        f"{p50(bare):.1f} (forward pass)",
        f"{p50(bare) / each:.2f}x the bare speed",
        "",
    )


def _judged(messages: list[Message], model: str) -> None:
    """Send the messages and wait for a vote on every round."""
    streams: dict[Any, Any] = {}
    expires_at = wall_now() + timedelta(seconds=ANSWER_SECONDS)
    for asked, features in messages:
        operations.send_batch("cpu0", WindowBatch(model, asked, expires_at, features))
        streams |= {f"votes.{agent['agent_id']}": "0" for agent in asked}
    wanted = sum(len(agent["rounds"]) for asked, _ in messages for agent in asked)
    read = list(streams)
    deadline = time.monotonic() + ANSWER_SECONDS
    while wanted > 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{wanted} votes did not come within {ANSWER_SECONDS:.0f} s.")
        for name, entries in redis_pool.client().xread(streams, block=1_000) or []:
            streams[name] = entries[-1][0]
            wanted -= sum(len(votes_in(fields["vote"])) for _, fields in entries)
    redis_pool.client().delete(*read)


def _until_alive(worker: InferenceWorker) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not redis_pool.client().hlen(BOARD):
        if time.monotonic() > deadline or worker.process.poll() is not None:
            raise RuntimeError(f"The inference worker did not start: {worker.log.read_text()[-2000:]}")
        time.sleep(0.1)
