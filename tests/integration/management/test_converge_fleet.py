"""The fleet on the real supervisor with the real agent process."""

import os
import signal
from datetime import timedelta

import psutil
import pytest

from apps.agents import operations as agents
from apps.agents.models import Agent, DecisionRound
from apps.agents.queries import heartbeat_key
from apps.foundation import lease
from apps.foundation.clock import Moment, wall_now
from apps.foundation.identifiers import new_id
from apps.foundation.models import OutboxEvent
from apps.management import operations, queries
from apps.management.domain.health_policy import Health
from apps.management.domain.host_budget import Resources
from apps.management.models import Container, Incident
from apps.management.operations.wanted_containers import container_name
from apps.trading.operations import open_portfolio
from tests.support.leading import HOUSE, lead
from tests.support.running_supervisor import until

pytestmark = pytest.mark.django_db(transaction=True)


def moment(seconds: float = 0) -> Moment:
    wall = wall_now() + timedelta(seconds=seconds)
    return Moment(wall=wall, firm=wall)


def new_agent(strategy: str = "momentum") -> Agent:
    card = agents.create_agent(strategy=strategy, actor="test", moment=moment())
    return Agent.objects.get(pk=card["id"])


def converge(runtime, seconds: float = 0):
    return [(step.act.value, step.name) for step in operations.converge_fleet(runtime=runtime, moment=moment(seconds))]


def pid_of(runtime, agent: Agent) -> int | None:
    found = next((one for one in runtime.observe() if one.name == container_name(agent.pk)), None)
    return int(found.handle) if found and found.running and found.handle else None


@pytest.fixture
def agent(runtime, clean_redis):
    agent = new_agent()
    assert converge(runtime) == [("start", container_name(agent.pk))]
    until(lambda: pid_of(runtime, agent), "the agent to run")
    return agent


def test_a_wanted_agent_runs_and_becomes_healthy_by_its_heartbeat(runtime, agent):
    row = Container.objects.get()
    assert (row.health, row.subject_id, row.runtime, row.limits_enforced) == (
        Health.STARTING,
        agent.pk,
        "process",
        False,
    )

    def is_healthy():
        operations.watch_health(runtime=runtime, moment=moment())
        return queries.container_of(agent.pk)["health"] == Health.HEALTHY

    until(is_healthy, "a heartbeat")
    view = queries.container_of(agent.pk)
    assert view["limits_state"] == "not enforced"
    assert view["agent"] == agent.name
    assert 10 * 2**20 < view["memory_bytes"] < 90 * 2**20
    assert converge(runtime) == []


def test_the_agents_of_a_house_end_once_another_one_leads(runtime, agent):
    open_portfolio(currency="USDT", capital="1000", moment=moment())
    lead(HOUSE)
    assert operations.stand_down(runtime=runtime, house=HOUSE) == ()
    lease.release(house=HOUSE)
    assert operations.stand_down(runtime=runtime, house=HOUSE) == ()  # nobody leads: it may be us again
    lead(lease.House("another house", "hq-2"))
    assert operations.stand_down(runtime=runtime, house=HOUSE) == (container_name(agent.pk),)
    assert list(runtime.observe()) == []
    assert operations.stand_down(runtime=runtime, house=HOUSE) == ()


def test_the_agents_process_holds_no_database_and_no_secret_of_ours(runtime, agent):
    process = psutil.Process(pid_of(runtime, agent))
    until(lambda: "workers.agent_process" in process.cmdline(), "the agent's own program")
    names = set(process.environ())
    assert {"AGENT_ID", "AGENT_STRATEGY", "AGENT_PARAMETERS", "AGENT_REDIS_URL"} <= names
    assert not [name for name in names if name.startswith(("DATABASE", "HQ_", "DJANGO", "SUPERVISOR"))]
    assert "redis://" not in " ".join(process.cmdline())


def test_new_settings_replace_the_process(runtime, agent):
    before = pid_of(runtime, agent)
    agents.configure_agent(agent_id=agent.pk, changes={"resources": {"memory": "512M"}}, actor="test", moment=moment())
    assert converge(runtime) == [("replace", container_name(agent.pk))]
    after = until(lambda: pid_of(runtime, agent), "the agent to run again")
    assert after != before
    assert not psutil.pid_exists(before)
    assert converge(runtime) == []


def test_a_stopped_agent_ends_and_a_started_one_runs(runtime, agent, clean_redis):
    pid = pid_of(runtime, agent)
    until(lambda: clean_redis.exists(heartbeat_key(agent.pk)), "a heartbeat")
    agents.stop_agent(agent_id=agent.pk, actor="test", moment=moment())
    assert converge(runtime) == [("stop", container_name(agent.pk))]
    assert not psutil.pid_exists(pid)
    assert not clean_redis.exists(heartbeat_key(agent.pk))
    converge(runtime)
    assert queries.container_of(agent.pk)["health"] == Health.STOPPED
    agents.start_agent(agent_id=agent.pk, actor="test", moment=moment())
    assert converge(runtime) == [("start", container_name(agent.pk))]


def test_a_scaled_fleet_converges_and_what_drains_runs_until_its_round_is_closed(runtime, agent):
    scale(2, "momentum", "breakout")
    other = Agent.objects.get(strategy="breakout")
    assert converge(runtime) == [("start", container_name(other.pk))]
    until(lambda: pid_of(runtime, other), "the new agent to run")
    asked = open_round(other)
    assert [one["state"] for one in scale(1, "momentum")["drained"]] == ["draining"]
    assert converge(runtime) == [], "it still has a vote to give"
    DecisionRound.objects.filter(pk=asked.pk).update(state="closed", closed_wall=wall_now())
    assert agents.finish_draining(moment=moment()) == 1
    assert converge(runtime) == [("stop", container_name(other.pk))]
    assert pid_of(runtime, agent) is not None


def scale(target: int, *strategies: str) -> dict:
    return operations.scale_fleet(
        target_agents=target,
        strategy_distribution=strategies,
        reason="",
        budget=Resources(2**40, 100.0),
        actor="test",
        moment=moment(),
    )


def open_round(agent: Agent) -> DecisionRound:
    return DecisionRound.objects.create(
        id=new_id(),
        symbol="BTC/USDT",
        timeframe="1m",
        closed_at=wall_now(),
        opened_wall=wall_now(),
        deadline_wall=wall_now(),
        asked=[{"agent_id": str(agent.pk), "name": agent.name}],
        fee_bps=10.0,
        correlation_id="test",
    )


def test_a_destroyed_agent_leaves_nothing_behind(runtime, supervisor, agent):
    agents.destroy_agent(agent_id=agent.pk, actor="test", moment=moment())
    converge(runtime)
    assert list(runtime.observe()) == []
    assert list(supervisor.folder.agents.iterdir()) == []
    assert not (supervisor.folder.programs / f"{container_name(agent.pk)}.json").exists()


def test_a_killed_agent_comes_back_and_is_counted(runtime, agent):
    converge(runtime)
    first = pid_of(runtime, agent)
    started = Container.objects.get().started_at
    until(lambda: wall_now() > started + timedelta(seconds=1.1), "the clock of the supervisor, which counts seconds")
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(runtime, agent) not in {None, first}, "the agent to come back")
    converge(runtime)
    assert queries.container_of(agent.pk)["restarts"] == 1


def test_a_crash_loop_ends_in_quarantine_with_an_incident_until_somebody_tries_again(runtime, agent):
    converge(runtime)
    Container.objects.update(crashes=[wall_now()] * 5)
    assert converge(runtime) == [("stop", container_name(agent.pk))]
    incident = Incident.objects.get()
    assert (incident.kind, incident.severity, incident.closed_at) == ("agent_crash_loop", "critical", None)
    assert converge(runtime, 3600) == []
    assert queries.container_of(agent.pk)["health"] == Health.QUARANTINED
    operations.release_quarantine(name=container_name(agent.pk), actor="test", moment=moment())
    assert converge(runtime) == [("start", container_name(agent.pk))]


def test_an_agent_without_heartbeat_is_replaced_although_its_process_lives(runtime, agent, clean_redis):
    until(lambda: clean_redis.get(f"agent.{agent.pk}.beat"), "the first heartbeat")
    converge(runtime)
    os.kill(pid_of(runtime, agent), signal.SIGSTOP)
    clean_redis.delete(f"agent.{agent.pk}.beat")
    assert converge(runtime, 200) == [("replace", container_name(agent.pk))]


def test_two_convergers_at_once_start_one_process(runtime, clean_redis):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    agent = new_agent()

    def run(_):
        try:
            return converge(runtime)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        steps = [step for done in pool.map(run, range(3)) for step in done]
    assert steps == [("start", container_name(agent.pk))]


def test_every_change_is_told_to_the_screens(runtime, agent):
    told = set(OutboxEvent.objects.values_list("kind", flat=True))
    assert {"agent.changed", "system.changed"} <= told
