"""What an agent writes into Redis: its votes into its own stream, its sign of life into its own key."""

import json
import resource
from datetime import UTC, datetime
from typing import Any

import redis

from apps.agents.domain.vote_entry import LONGEST_ENTRY, MOST_VOTES
from workers.agent_process.agent_settings import AgentSettings

STREAM_LENGTH = 1_000
QUICK_SECONDS = 0.002
BEAT_LIFE_SECONDS = 30  # what says nothing for so long is shown as silent
REDIS_SECONDS = 3.0


class VoteWriter:
    """Writes as one agent. A write fails with ``redis.RedisError`` while Redis is away."""

    def __init__(self, settings: AgentSettings, *, needs_bars: int) -> None:
        self._settings = settings
        self._needs_bars = needs_bars
        self._redis = redis.Redis.from_url(
            settings.redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        self._waiting: list[dict[str, Any]] = []
        self.votes = 0
        self.failures = 0  # questions that the strategy could not answer
        self.problem = ""  # what it raised on the last message; empty where it could answer all
        self.warm_bars = 0

    def write_vote(self, vote: dict[str, Any], *, bars: int, seconds: float) -> None:
        """Append ``vote`` to the stream, or let it wait for ``flush`` with others that were thought of as quickly: to
        write one takes longer. ``bars``: how many candles it was based on; ``seconds``: how long it took.
        """
        self._waiting.append(vote)
        self.warm_bars = bars
        if seconds > QUICK_SECONDS or len(self._waiting) == MOST_VOTES or "features" in vote:
            self.flush()

    def flush(self) -> None:
        """Append what waits: several votes as one entry, where they are not too long for one."""
        votes, self._waiting = self._waiting, []
        together = json.dumps({"votes": votes} if len(votes) > 1 else votes[0]) if votes else ""
        texts = [json.dumps(vote) for vote in votes] if len(together) > LONGEST_ENTRY else [together] * bool(votes)
        for text in texts:
            self._redis.xadd(self._settings.vote_stream, {"vote": text}, maxlen=STREAM_LENGTH, approximate=True)
        self.votes += len(votes)

    def beat(self) -> None:
        """Say that the agent lives and how far it came."""
        sign = {
            "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),  # noqa: TID251 - the edge of a process of its own
            "votes": self.votes,
            "failures": self.failures,
            "problem": self.problem,
            "warm_bars": self.warm_bars,
            "needs_bars": self._needs_bars,
            "rss_bytes": resident_bytes(),
        }
        self._redis.set(self._settings.beat_key, json.dumps(sign), ex=BEAT_LIFE_SECONDS)


def resident_bytes() -> int:
    """Memory held by this process, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib would read it no better
        return int(file.read().split()[1]) * resource.getpagesize()
