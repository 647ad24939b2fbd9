"""Agents that do harm, as real processes under the real supervisor: T28 (one hangs and goes on beating), T29 (one
writes nonsense, ten thousand times at once). What the others say decides alone, and the firm goes on.
"""

from pathlib import Path

import pytest
from django.db.models import Sum

import tradinghq.celery  # noqa: F401 - the application whose broker the questions go to
from apps.agents import operations
from apps.agents.models import Agent, Decision, Vote, VoteRefusal
from apps.management import operations as fleet
from apps.management import queries
from apps.management.domain.health_policy import Health
from apps.management.models import Incident
from apps.management.operations import wanted_containers
from apps.management.operations.wanted_containers import container_name
from apps.trading.models import Order
from tests.integration.management.test_converge_fleet import converge, moment, pid_of
from tests.support.agents_room import open_agents_room
from tests.support.running_supervisor import until as wait_until
from workers import vote_collector

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
PATIENT = 300.0  # seconds that our clock runs ahead: questions expire at their deadline, also on a busy machine
LATER = 120.0  # between two questions on our clock: longer than a stalled agent is waited for
NONSENSE = 4
FLOOD = 10_000

# The real agent; the one of momentum misbehaves while the file SIGN is there.
PROGRAM = """
import json, os, runpy, threading, time
from datetime import datetime, timedelta, timezone
SIGN, FLOOD = {sign!r}, {flood}
if os.environ["AGENT_STRATEGY"] == "momentum" and os.path.exists(SIGN):
    {misbehaviour}()
runpy.run_module("workers.agent_process", run_name="__main__", alter_sys=True)
"""

HANG = """
def hang():
    import redis
    from apps.agents.domain.strategies.momentum import Momentum
    from workers.agent_process.agent_settings import read_settings
    settings = read_settings()
    client = redis.Redis.from_url(settings.redis_url)
    def beat():
        while True:
            now = datetime.now(timezone.utc).isoformat()
            client.set(settings.beat_key, json.dumps({"at": now, "votes": 7}), ex=90)
            time.sleep(0.2)
    def vote(self, view):
        while True:
            time.sleep(1)
    threading.Thread(target=beat, daemon=True).start()
    Momentum.vote = vote
"""

SHOUT = """
def shout():
    from workers.agent_process.vote_writer import VoteWriter
    def write(self, vote, **_):
        self.votes += 1
        good = vote | {"direction": 1.0, "confidence": 1.0, "abstain": False}
        future = datetime.fromisoformat(vote["data_as_of"]) + timedelta(days=1)
        nonsense = [
            good | {"direction": float("nan")},
            good | {"confidence": 1e308},
            good | {"symbol": "DOGE/USDT"},
            good | {"data_as_of": future.isoformat()},
        ]
        entries = nonsense if self.votes == 1 else nonsense[:1] * FLOOD
        pipeline = self._redis.pipeline()
        for entry in entries:
            pipeline.xadd(self._settings.vote_stream, {"vote": json.dumps(entry)})
        pipeline.execute()
    VoteWriter.write_vote = write
"""


@pytest.fixture
def room(clean_redis):
    """Two agents on one instrument: momentum, which will misbehave, and breakout."""
    found = open_agents_room()
    Agent.objects.exclude(strategy__in=["momentum", "breakout"]).update(desired_state="stopped")
    Agent.objects.update(instruments=["BTC/USDT"])
    return found


@pytest.fixture
def sign(tmp_path) -> Path:
    path = tmp_path / "misbehave"
    path.touch()
    return path


def programmed(monkeypatch, sign: Path, source: str, name: str) -> None:
    program = source + PROGRAM.format(sign=str(sign), flood=FLOOD, misbehaviour=name)
    monkeypatch.setattr(wanted_containers, "ARGUMENTS", ("-c", program))


def until(check, what: str):
    """Generous: these are real processes on a machine that may be busy."""
    return wait_until(check, what, seconds=120)


def heard(agent: Agent, row) -> bool:
    """Take in what came; whether this agent's vote of the round is stored."""
    vote_collector.VoteCollector().step()
    return Vote.objects.filter(agent=agent, round=row).exists()


def ask(room, *, later: float = PATIENT):
    room.desk.bar()
    operations.open_rounds(bar_at=room.market.bar_at, moment=room.moment(later=later))
    return room.round()


def test_t28_one_that_hangs_and_beats_on_is_replaced_and_what_it_owed_counts_no_more(runtime, room, sign, monkeypatch):
    programmed(monkeypatch, sign, HANG, "hang")
    hung, good = room.agent("momentum"), room.agent("breakout")
    name = container_name(hung.pk)
    converge(runtime)
    first = ask(room)
    until(lambda: heard(good, first), "the other agent's vote")
    room.close(later=PATIENT + 5)
    second = ask(room, later=PATIENT + LATER)
    until(lambda: heard(good, second), "the other agent's next vote")
    room.close(later=PATIENT + LATER + 5)
    for row in (first, second):
        assert [vote.agent for vote in Vote.objects.filter(round=row)] == [good]
        assert [part["name"] for part in Decision.objects.get(round=row).contributions] == [good.name]
    pids = {agent.pk: pid_of(runtime, agent) for agent in (hung, good)}

    def is_stalled():
        fleet.watch_health(runtime=runtime, moment=moment())
        return queries.container_of(hung.pk)["health"] == Health.STALLED

    until(is_stalled, "the fleet to see that it makes no progress")
    assert queries.container_of(hung.pk)["reason"].startswith("It beats, but it has answered no question since ")
    sign.unlink()
    assert converge(runtime) == [("replace", name)]
    until(lambda: pid_of(runtime, hung) not in {None, pids[hung.pk]}, "another process in its place")
    assert pid_of(runtime, good) == pids[good.pk]
    incident = Incident.objects.get(kind="agent_stalled")
    assert (incident.subject, incident.closed_at) == (name, None)
    assert queries.container_of(hung.pk)["restarts"] == 1

    third = ask(room)
    until(lambda: heard(hung, third) and heard(good, third), "both votes")
    assert Vote.objects.filter(agent=hung).count() == 1  # what it owed before is not counted, whenever it comes
    assert not is_stalled()
    incident.refresh_from_db()
    assert incident.close_reason == "It runs and makes progress again."


def test_t29_nonsense_is_refused_with_its_reason_a_flood_is_cut_and_the_others_decide(
    runtime, room, sign, monkeypatch, clean_redis
):
    programmed(monkeypatch, sign, SHOUT, "shout")
    rogue, good = room.agent("momentum"), room.agent("breakout")
    refused = VoteRefusal.objects.filter(agent=rogue)
    converge(runtime)
    first = ask(room)
    until(lambda: heard(good, first) and refused.count() == NONSENSE, "four refusals and the other agent's vote")
    assert dict(refused.values_list("code", "count")) == {
        "not_a_number": 1,
        "out_of_range": 1,
        "wrong_symbol": 1,
        "future_data": 1,
    }
    assert "direction was nan; it must be finite." in refused.get(code="not_a_number").detail
    room.close(later=PATIENT + 5)

    second = ask(room)
    stream = f"votes.{rogue.pk}"
    until(lambda: clean_redis.xlen(stream) >= FLOOD, "the flood")
    steps = 0
    while not heard(good, second):
        steps += 1
        assert steps < 20, "a flood must not hold up the vote of another agent"
    until(lambda: not vote_collector.VoteCollector().step(), "all of it to be read or cut")
    told = dict(refused.values_list("code").annotate(Sum("count")))
    assert sum(told.values()) == NONSENSE + FLOOD
    assert told["flood"] >= FLOOD - 3 * FLOOD // 50
    assert refused.count() == NONSENSE + 1
    assert clean_redis.xlen(stream) <= vote_collector.KEPT_OF_IT

    room.close(later=PATIENT + 5)
    for row in (first, second):
        decision = Decision.objects.get(round=row)
        vote = Vote.objects.get(round=row)
        assert vote.agent == good
        assert [each["name"] for each in decision.contributions if each["counted"]] in ([], [good.name])
        assert (decision.score > 0.0) == (vote.direction * vote.confidence > 0.0)
    assert Order.objects.count() == 0
