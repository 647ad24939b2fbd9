"""The loop that takes in the agents' votes and closes their rounds.

It reads every agent's stream from where the database says it was read to, so that a restart loses and repeats nothing.
While Redis is away no vote comes, and the rounds close at their deadlines saying so.
"""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import prometheus_client
import structlog
from redis import RedisError
from redis.exceptions import ResponseError

from apps.agents import operations as agents
from apps.agents import queries
from apps.agents.domain.vote_entry import votes_in
from apps.foundation import redis_pool
from apps.foundation.loops import Loop
from apps.market.queries import current_moment, market_clock
from apps.trading import queries as trading

BLOCK_MS = 250  # how soon a new agent's stream or a passed deadline is noticed
SOON_MS = 20  # how soon it is noticed that the guard has seen a bar on which all have voted
GATHER_MS = 5  # features that come one after another within this are judged together
ENTRIES_A_STREAM = 200
LONGEST_STREAM, KEPT_OF_IT = 5_000, 1_000  # entries: a stream that grew beyond is cut to its newest ones
AWAY_SECONDS = 0.25
IDLE_SECONDS = 0.02
STREAM_PREFIX = "votes."
REDIS_AWAY = prometheus_client.Counter(
    "hq_vote_reads_failed_total", "Reads of the vote streams that failed because Redis was away."
)
log = structlog.get_logger(__name__)


class VoteCollector:
    """Reads, records and closes; remembers between steps whether a bar waits for the guard alone."""

    def __init__(self) -> None:
        self._guard_is_awaited = False

    def step(self) -> bool:
        """Take in what came within a moment, then close what is ready; whether there was anything."""
        entries = _read(block=SOON_MS if self._guard_is_awaited else BLOCK_MS)
        if any(entry.message and "features" in entry.message for entry in entries):
            entries = _gather(entries)
        if entries:
            agents.record_votes(entries=entries, moment=current_moment())
            _cut_floods(entries)
        self._guard_is_awaited = False
        closed = agents.close_ready_rounds(moment=current_moment(), may_decide=self._is_guarded)
        return bool(entries or closed)

    def _is_guarded(self, bar_at: datetime) -> bool:
        """In lock-step a bar is decided on once the guard has moved the stops to it, in one order on every run."""
        guarded = not market_clock().lock_step or trading.is_through("guard", bar_at)
        self._guard_is_awaited = not guarded
        return guarded


def _cut_floods(entries: Iterable[agents.StreamEntry]) -> None:
    """Keep the stream of an agent that writes faster than it is read from filling Redis; what is lost is counted.

    What was read goes first, so that only unread entries are counted.
    """
    last = {entry.agent_id: entry.entry_id for entry in entries}
    read = Counter(entry.agent_id for entry in entries)
    client = redis_pool.client()
    for agent_id in (agent_id for agent_id, count in read.items() if count >= ENTRIES_A_STREAM):
        name = f"{STREAM_PREFIX}{agent_id}"
        try:
            if client.xlen(name) <= LONGEST_STREAM:
                continue
            client.xtrim(name, minid=_after(last[agent_id]), approximate=False)
            lost = client.xtrim(name, maxlen=KEPT_OF_IT, approximate=False)
        except RedisError as error:
            REDIS_AWAY.inc()
            log.warning("vote_stream_not_cut", agent_id=str(agent_id), reason=str(error))
            continue
        agents.count_unread(agent_id=agent_id, entries=lost, moment=current_moment())


def _after(entry_id: str) -> str:
    """The identifier that follows, whether or not an entry has it."""
    milliseconds, _, number = entry_id.partition("-")
    return f"{milliseconds}-{int(number or 0) + 1}"


def _gather(entries: list[agents.StreamEntry]) -> list[agents.StreamEntry]:
    """``entries`` and what follows within moments, until nothing does or a batch is full: one pass over the network
    takes little longer for many windows than for one.
    """
    while len(entries) < agents.A_BATCH:
        more = _read(after=entries, block=GATHER_MS)
        if not more:
            break
        entries = entries + more
    return entries


def _read(after: Iterable[agents.StreamEntry] = (), block: int = BLOCK_MS) -> list[agents.StreamEntry]:
    cursors = queries.vote_cursors()
    if not cursors:
        return []
    streams = {f"{STREAM_PREFIX}{agent_id}": entry_id for agent_id, entry_id in cursors.items()}
    streams |= {f"{STREAM_PREFIX}{entry.agent_id}": entry.entry_id for entry in after}
    try:
        answer = redis_pool.client().xread(streams, count=ENTRIES_A_STREAM, block=block)  # type: ignore[arg-type]
    except ResponseError as error:
        if not _drop_what_is_no_stream(streams):
            raise
        log.warning("vote_stream_replaced", reason=str(error))
        return []
    except RedisError as error:
        REDIS_AWAY.inc()
        log.warning("votes_not_read", reason=str(error))
        time.sleep(AWAY_SECONDS)
        return []
    return _in_order(answer)


def _drop_what_is_no_stream(streams: Iterable[str]) -> int:
    """An agent may write anything under its own stream's name, and one that is no stream would hide all others."""
    client = redis_pool.client()
    wrong = [name for name in streams if client.type(name) not in {"stream", "none"}]
    if wrong:
        client.delete(*wrong)
    return len(wrong)


def _in_order(answer: Any) -> list[agents.StreamEntry]:
    """The entries of all streams as they were written, so that no agent's flood holds up the others' votes."""
    entries = [
        agents.StreamEntry(UUID(stream.removeprefix(STREAM_PREFIX)), entry_id, message, part)
        for stream, written in (answer.items() if isinstance(answer, dict) else answer or [])
        for entry_id, fields in written
        for part, message in enumerate(votes_in(fields.get("vote")))
    ]
    return sorted(entries, key=lambda entry: entry.place)


LOOPS = (Loop(name="vote_collector", step=VoteCollector().step, idle_seconds=IDLE_SECONDS),)
