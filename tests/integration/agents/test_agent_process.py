"""The real agent process on a real Redis: votes, small, isolated, survives a restart of Redis, ends when told to."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from apps.agents.domain.bar_window import market_view
from apps.agents.domain.redis_rights import redis_rights
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.domain.vote_checks import AskedRound, checked_vote
from apps.agents.domain.vote_entry import votes_in
from apps.foundation.clock import wall_now
from apps.foundation.redis_users import url_for
from tests.support.own_redis import OwnRedis

ROOT = Path(__file__).resolve().parents[3]
LARGEST_MIB = 50
PASSWORD = "of a test"
BARS = 120
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
CLOSED = FIRST + BARS * timedelta(minutes=5)


@pytest.fixture
def own_redis(tmp_path):
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.stop()


# Runs the program as ``-m`` does and writes down at its end which modules it had loaded.
LISTING = """
import atexit, pathlib, runpy, sys
loaded = lambda: sorted(name for name, module in sys.modules.items() if module is not None)
atexit.register(lambda: pathlib.Path(sys.argv[1]).write_text("\\n".join(loaded())))
runpy.run_module("workers.agent_process", run_name="__main__", alter_sys=True)
"""


class Agent:
    """A process under test and the house's end of the wire."""

    def __init__(self, server: OwnRedis, folder: Path, strategy: str, program: str = LISTING, **environment: str):
        self.server = server
        self.id = str(uuid4())
        self.grant()
        self.errors = folder / "stderr.txt"
        self.output = folder / "stdout.txt"
        self.modules = folder / "modules.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(self.modules)],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "AGENT_ID": self.id,
                "AGENT_STRATEGY": strategy,
                "AGENT_PARAMETERS": "{}",
                "AGENT_REDIS_URL": url_for(server.url, name=self.id, password=PASSWORD),
                **environment,
            },
            stdout=self.output.open("w"),
            stderr=self.errors.open("w"),
        )

    def grant(self) -> None:
        """A user of its own in Redis, with the rights of an agent; a server that starts again has forgotten it."""
        self.server.client.execute_command("ACL", "SETUSER", self.id, "on", f">{PASSWORD}", *redis_rights(self.id))

    def ask(self, **changes: Any) -> dict[str, Any]:
        question = question_of(changes)
        self.send(question)
        return question

    def send(self, *questions: dict[str, Any]) -> None:
        self.server.client.rpush(f"agent.{self.id}", json.dumps({"questions": questions}))

    def votes(self) -> list[dict[str, Any]]:
        """In their order, however many an entry holds."""
        entries = self.server.client.xrange(f"votes.{self.id}")
        return [vote for _, fields in entries for vote in votes_in(fields["vote"])]

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What it logged of this event."""
        told = (json.loads(line) for line in self.output.read_text().splitlines(keepends=True) if line.endswith("\n"))
        return [line for line in told if line["event"] == event]

    def beat(self) -> dict[str, Any]:
        return json.loads(self.server.client.get(f"agent.{self.id}.beat") or "{}")

    def wait(self, check: Callable[[], Any], what: str, seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := check():
                return found
            assert self.process.poll() is None, self.errors.read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError(f"Waited {seconds} s for {what}: {self.output.read_text()[-2000:]}")

    def memory_mib(self, field: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


def question_of(changes: dict[str, Any]) -> dict[str, Any]:
    closes = (100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.001, 0.001, BARS)))).tolist()
    first = int(FIRST.timestamp() * 1000)
    round_id = str(uuid4())
    return {
        "round_id": round_id,
        "correlation_id": round_id,
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "closed_at": CLOSED.isoformat(),
        "deadline": (wall_now() + timedelta(minutes=1)).isoformat(),
        "fee_bps": 10.0,
        "bars": {
            "open_at_ms": [first + i * 300_000 for i in range(BARS)],
            "open": closes,
            "high": [price * 1.001 for price in closes],
            "low": [price * 0.999 for price in closes],
            "close": closes,
            "volume": [1.0] * BARS,
        },
        "venues": [{"source": "one", "bid": 99.0, "ask": 99.1, "event_at": CLOSED.isoformat()}],
    } | changes


@pytest.fixture
def started(own_redis, tmp_path):
    running = []

    def start(strategy="momentum", **environment):
        agent = Agent(own_redis, tmp_path, strategy, **environment)
        running.append(agent.process)
        return agent

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_an_agent_votes_as_its_strategy_does_and_stays_small_and_alone(started):
    agent = started()
    question = agent.ask()
    (vote,) = agent.wait(agent.votes, "a vote")
    expected = build_strategy("momentum", {}).vote(market_view(question))
    assert (vote["round_id"], vote["symbol"]) == (question["round_id"], "BTC/USDT")
    assert (vote["direction"], vote["confidence"]) == (expected.direction, expected.confidence)
    assert vote["reason"] == expected.reason
    assert vote["correlation_id"] == question["correlation_id"]
    checked_vote(vote, asked=AskedRound("BTC/USDT", "5m", CLOSED), now=CLOSED)
    for _ in range(30):
        agent.ask()
    agent.wait(lambda: len(agent.votes()) == 31, "31 votes")
    assert agent.memory_mib("Rss:") < LARGEST_MIB
    assert agent.memory_mib("Pss:") < LARGEST_MIB
    agent.wait(lambda: agent.beat().get("votes") == 31, "a beat that tells of progress")
    beat = agent.beat()
    assert (beat["warm_bars"], beat["needs_bars"]) == (BARS, 78)
    assert beat["rss_bytes"] < LARGEST_MIB * 2**20
    assert agent.server.client.ttl(f"agent.{agent.id}.beat") <= 90
    assert agent.end() == 0
    packages = {name.partition(".")[0] for name in agent.modules.read_text().splitlines()}
    assert {"redis", "numpy", "apps"} <= packages
    assert not packages & {
        "celery",
        "kombu",
        "django",
        "psycopg",
        "ccxt",
        "channels",
        "rest_framework",
        "tradinghq",
        "docker",
    }
    assert '"event": "agent_stopped"' in agent.output.read_text()
    for line in agent.output.read_text().splitlines():
        json.loads(line)


def test_a_question_that_describes_no_market_is_logged_and_the_next_one_answered(started):
    agent = started()
    agent.ask(bars={"open_at_ms": []})
    good = agent.ask()
    (vote,) = agent.wait(agent.votes, "a vote")
    assert vote["round_id"] == good["round_id"]
    assert '"event": "vote_failed"' in agent.output.read_text()


def test_of_many_questions_one_that_describes_no_market_costs_no_other_its_vote_and_the_late_are_left(started):
    agent = started("arbitrage")
    late = (wall_now() - timedelta(seconds=1)).isoformat()
    first, bad, second = question_of({}), question_of({"bars": {"open_at_ms": []}}), question_of({})
    agent.send(first, bad, second, question_of({"deadline": late}), question_of({}))
    agent.send(last := question_of({}))
    votes = agent.wait(lambda: len(agent.votes()) == 3 and agent.votes(), "three votes")
    assert [vote["round_id"] for vote in votes] == [asked["round_id"] for asked in (first, second, last)]
    assert [line["left"] for line in agent.lines("too_late")] == [2]
    told = agent.wait(lambda: len(agent.lines("voted")) == 2 and agent.lines("voted"), "a line for each message")
    ids = [[asked["correlation_id"] for asked in message] for message in ([first, second], [last])]
    assert [line["correlation_ids"] for line in told] == ids
    assert votes[-1]["abstain"]
    assert [line["directions"] for line in told] == [{last["symbol"]: None}] * 2


def test_an_agent_survives_a_restart_of_redis(started, own_redis):
    agent = started("arbitrage")
    agent.ask()
    agent.wait(agent.votes, "the first vote")
    own_redis.stop()
    own_redis.start()
    agent.grant()
    asked = agent.ask()
    (vote,) = agent.wait(agent.votes, "a vote after the restart", seconds=45)
    assert vote["round_id"] == asked["round_id"]
    assert vote["abstain"] is True
    assert agent.end() == 0


@pytest.mark.parametrize(
    "message",
    ["no json", "[]", "{}", '{"questions": 7}', '{"questions": [7]}', '{"questions": [{"symbol": "BTC/USDT"}]}'],
)
def test_a_message_that_is_none_is_logged_and_the_next_one_answered(started, message):
    agent = started("arbitrage")
    agent.server.client.rpush(f"agent.{agent.id}", message)
    good = agent.ask()
    (vote,) = agent.wait(agent.votes, "a vote")
    assert vote["round_id"] == good["round_id"]
    assert '"event": "message_not_understood"' in agent.output.read_text()


RAISING = """
from apps.agents.domain.strategies.arbitrage import Arbitrage
really, asked = Arbitrage.vote, []
def vote(self, view):
    asked.append(view)
    if len(asked) == 1:
        raise RuntimeError("foreign code\\0may\\n raise anything")
    return really(self, view)
Arbitrage.vote = vote
"""


def test_a_strategy_that_raises_abstains_with_the_reason_and_the_agent_counts_it(started):
    agent = started("arbitrage", program=RAISING + LISTING)
    bad, good = question_of({}), question_of({})
    agent.send(bad, question_of({}))
    vote, _ = agent.wait(lambda: len(agent.votes()) == 2 and agent.votes(), "an abstention and a vote")
    checked = checked_vote(vote, asked=AskedRound("BTC/USDT", "5m", CLOSED), now=CLOSED)
    assert (vote["round_id"], checked.abstain, checked.confidence) == (bad["round_id"], True, 0.0)
    assert checked.reason == "The strategy raised RuntimeError: foreign code may raise anything"
    assert agent.lines("vote_failed")[0]["exception"].endswith("raise anything")
    beat = agent.wait(lambda: agent.beat().get("failures") == 1 and agent.beat(), "a beat that tells of it")
    assert beat["problem"] == "RuntimeError: foreign code may raise anything"
    agent.send(good)
    agent.wait(lambda: len(agent.votes()) == 3, "a vote of its own")
    beat = agent.wait(lambda: agent.beat().get("problem") == "" and agent.beat(), "a beat after it")
    assert beat["failures"] == 1


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AGENT_ID": "seven"}, "AGENT_ID must be a UUID"),
        ({"AGENT_STRATEGY": "astrology"}, "There is no strategy 'astrology'"),
        ({"AGENT_PARAMETERS": "[1]"}, "AGENT_PARAMETERS must be a JSON object, was list."),
        ({"AGENT_PARAMETERS": '{"fast": 900}'}, "fast was 900; it must lie between 2 and 200."),
        ({"AGENT_REDIS_URL": ""}, "AGENT_REDIS_URL is missing"),
    ],
)
def test_a_wrong_setting_ends_it_with_a_sentence(started, environment, sentence):
    agent = started(**environment)
    assert agent.process.wait(30) == 1
    assert sentence in agent.errors.read_text()
    assert "Traceback" not in agent.errors.read_text()
