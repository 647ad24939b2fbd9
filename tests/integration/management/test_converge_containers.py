"""The fleet on a real engine with the real agent in its container, and a Redis that listens on the bridge's gateway."""

import json
import time
from uuid import uuid4

import pytest

from apps.agents import operations as agents
from apps.agents.domain.vote_entry import votes_in
from apps.agents.models import Agent
from apps.foundation import redis_pool
from apps.management import operations, queries
from apps.management.domain.health_policy import Health
from apps.management.models import Incident
from apps.management.operations.wanted_containers import container_name
from tests.integration.agents.test_agent_process import question_of
from tests.integration.management.test_converge_fleet import converge, moment, new_agent
from tests.support.own_redis import OwnRedis
from tests.support.running_supervisor import until
from tests.support.runtime_worlds import docker_world

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]
LARGEST_MIB = 80


@pytest.fixture(scope="module")
def world():
    with docker_world() as playground:
        yield playground


@pytest.fixture
def house(world, settings, tmp_path):
    """A Redis of its own with a password, on loopback and the gateway, as the embedded one listens."""
    server = OwnRedis(tmp_path, addresses=("127.0.0.1", world.gateway), password="of the house")
    server.start()
    settings.REDIS_URL, settings.AGENT_REDIS_URL = server.url, f"redis://{world.gateway}:{server.port}/0"
    redis_pool.client.cache_clear()
    yield server
    redis_pool.client.cache_clear()
    world.runtime.stop_all()
    server.stop()


def seen(world, agent: Agent):
    return next((one for one in world.runtime.observe() if one.name == container_name(agent.pk)), None)


def watched(world, agent: Agent) -> dict:
    operations.watch_health(runtime=world.runtime, moment=moment())
    return queries.container_of(agent.pk)


def ask(house: OwnRedis, agent: Agent) -> str:
    """One question on the agent's queue, as the house sends it; the round's id."""
    question = question_of({"round_id": str(uuid4())})
    house.client.rpush(f"agent.{agent.pk}", json.dumps({"questions": [question]}))
    return question["round_id"]


def voted(house: OwnRedis, agent: Agent) -> list[str]:
    entries = house.client.xrange(f"votes.{agent.pk}")
    return [vote["round_id"] for _, fields in entries for vote in votes_in(fields["vote"])]


def exit_codes(world, since: float) -> list[str]:
    wish = {"event": ["die"], "label": world.engine.mine}
    told = world.engine.api.events(since=since, until=time.time(), filters=wish, decode=True)
    return [event["Actor"]["Attributes"]["exitCode"] for event in told]


def test_an_agent_votes_from_its_container_is_killed_and_votes_again(world, house):
    agent = new_agent()
    assert converge(world.runtime) == [("start", container_name(agent.pk))]
    until(lambda: watched(world, agent)["health"] == Health.HEALTHY, "a heartbeat from the container", seconds=60)
    first = ask(house, agent)
    until(lambda: voted(house, agent) == [first], "a vote from the container")
    view = until(lambda: (it := watched(world, agent))["memory_bytes"] > 10 * 2**20 and it, "its memory to be measured")
    assert (view["runtime"], view["limits_state"], view["limits"]) == (
        "docker",
        "enforced",
        {"memory": "256M", "cpu": 0.5},
    )
    assert view["memory_bytes"] < LARGEST_MIB * 2**20
    assert converge(world.runtime) == []

    world.kill(seen(world, agent), 9)
    until(lambda: not seen(world, agent).running, "the engine to see it ended")
    assert converge(world.runtime) == [("start", container_name(agent.pk))]
    incident = Incident.objects.get(kind="agent_ended")
    assert incident.subject == container_name(agent.pk)
    assert incident.detail == "It was ended by signal 9. Exit code: -9. Crashes: 1."
    second = ask(house, agent)
    until(lambda: voted(house, agent) == [first, second], "a vote after the kill", seconds=60)
    until(lambda: watched(world, agent)["health"] == Health.HEALTHY, "a new heartbeat", seconds=60)
    incident.refresh_from_db()
    assert incident.closed_by == "system"
    view = queries.container_of(agent.pk)
    assert (view["restarts"], view["exit_code"]) == (1, -9)

    agents.stop_agent(agent_id=agent.pk, actor="test", moment=moment())
    since = time.time()
    assert converge(world.runtime) == [("stop", container_name(agent.pk))]
    assert seen(world, agent) is None
    assert exit_codes(world, since) == ["0"]  # it drained; it did not have to be killed
    converge(world.runtime)
    assert [name for name in house.client.acl_users() if str(agent.pk) in name] == []


def test_what_cannot_be_started_is_an_incident_and_holds_up_no_other(world, house):
    greedy, modest = new_agent(), new_agent("breakout")
    agents.configure_agent(agent_id=greedy.pk, changes={"resources": {"memory": "64G"}}, actor="test", moment=moment())
    converge(world.runtime)
    assert seen(world, greedy) is None
    assert seen(world, modest).running
    incident = Incident.objects.get(kind="agent_not_started")
    assert incident.subject == container_name(greedy.pk)
    assert "asks for 64G of memory; its host has" in incident.detail
    agents.configure_agent(agent_id=greedy.pk, changes={"resources": {"memory": "64M"}}, actor="test", moment=moment())
    converge(world.runtime)
    assert seen(world, greedy).running
    incident.refresh_from_db()
    assert incident.close_reason == "It was started."


def test_one_that_somebody_removed_by_hand_is_started_again(world, house):
    agent = new_agent()
    converge(world.runtime)
    before = seen(world, agent)
    world.engine.api.remove_container(before.handle, force=True)
    assert converge(world.runtime) == [("start", container_name(agent.pk))]
    after = seen(world, agent)
    assert after.running
    assert after.handle != before.handle
    assert converge(world.runtime) == []
