"""The whole way of windows through the real queue: from sending the task to the last vote in the agents' streams.

The worker is the one that the house starts for ``cpu0``. Beside it stands the forward pass in this process. Times are
by the clock, since two processes and Redis share the work.
"""

import time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from apps.agents.domain.neural.feature_message import packed
from apps.agents.domain.vote_entry import votes_in
from apps.agents.operations.send_windows import JUDGE_TASK
from apps.agents.queries.inference_devices import BOARD, queue_of
from apps.foundation import after_commit, redis_pool
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
Windows = Any


def run(forward, model: str, windows) -> list[Line]:
    """What the queue adds to a pass, its gain over a message a window, and its speed with many messages waiting."""
    open_portfolio(currency="USDT", capital=Decimal(1000), moment=current_moment())
    lead()
    with TemporaryDirectory(prefix="hq-bench-inference-") as folder:
        worker = InferenceWorker(Path(folder) / "home")
        try:
            _until_alive(worker)
            return _measured(forward, model, windows)
        finally:
            worker.end()


def rounds_of(agents: int, count: int) -> list[dict[str, object]]:
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


def _measured(forward, model: str, windows) -> list[Line]:
    count = len(windows)
    texts = [packed(window) for window in windows]
    whole = "".join(texts)

    def one_message() -> None:
        _judged([(rounds_of(ASKED_BY, count), whole)], model)

    def a_message_a_window() -> None:
        _judged([(rounds_of(1, 1), text) for text in texts], model)

    def many_messages() -> None:
        _judged([(rounds_of(ASKED_BY, count), whole) for _ in range(STREAM_OF_MESSAGES)], model)

    one_message()
    together, single, bare = in_turns(TURNS, BATCH, one_message, a_message_a_window, lambda: forward(windows))
    (stream,) = in_turns(5, 1, many_messages)
    each = p50(stream) / STREAM_OF_MESSAGES
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
            f"{p50(single):.0f} (a message a window)",
            f"{p50(single) / p50(together):.1f}x faster",
            ">= 8x",
        ),
        Line(
            f"{STREAM_OF_MESSAGES} messages of {count} windows at once through the queue, p50, ms each",
            f"{each:.1f}",
            f"{p50(bare):.1f} (forward pass)",
            f"{p50(bare) / each:.2f}x the bare speed",
            "",
        ),
    ]


def _judged(messages: list[tuple[list[dict[str, Any]], str]], model: str) -> None:
    """Send the messages and wait for a vote on every round."""
    streams: dict[Any, Any] = {}
    for asked, features in messages:
        after_commit.enqueue(
            JUDGE_TASK, queue=queue_of("cpu0"), expires=ANSWER_SECONDS, model=model, asked=asked, features=features
        )
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
