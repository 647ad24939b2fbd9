"""The whole firm with its agents in containers of a real engine: they vote, come back when killed, are locked in."""

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import docker
import pytest

from apps.management.adapters.docker_engine import HOUSE_LABEL, NAME_LABEL
from apps.management.adapters.supervised_programs import SupervisorFolder
from tests.faults.firm_facts import FirmFacts
from tests.support.agent_image import agent_image
from tests.support.running_firm import RunningFirm
from tradinghq.embedded.addresses import stored_servers
from tradinghq.supervision.leftovers import end_leftovers

pytestmark = [pytest.mark.faults, pytest.mark.docker]
LARGEST_MIB = 80
VOTES = "SELECT count(*) FROM agents_vote"


@pytest.fixture(scope="module")
def firm():
    home = Path(tempfile.mkdtemp(prefix="hq-firm-"))
    home.chmod(0o755)
    agent_image()
    running = RunningFirm(home, SPEED="120", HQ_RUNTIME="docker")
    try:
        yield running.start(180)
    finally:
        if running.process is not None and running.process.poll() is None:
            assert running.stop() == 0
        running.manage("stop_containers")
        end_leftovers(SupervisorFolder(home))
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def engine():
    return docker.from_env()


def containers_of(firm, engine, **options):
    """This house's own, by the name of its network on the containers of the agents that its API knows."""
    known = {row["name"] for row in firm.get("management/containers/?limit=200")["results"]}
    found = engine.containers.list(filters={"label": NAME_LABEL}, **options)
    return [one for one in found if one.labels[NAME_LABEL] in known]


def test_votes_come_from_containers_and_the_firm_decides(firm, engine):
    facts = FirmFacts(firm)
    firm.wait_for(lambda: facts.rounds() > 3, 120, "the first decisions")
    assert facts.rows(VOTES)[0][0] > 0
    agents = firm.get("agents/")["results"]
    running = containers_of(firm, engine)
    assert {one.labels[NAME_LABEL] for one in running} == {f"agent-{agent['id']}" for agent in agents}
    assert not [info for info in facts.control.processes() if info["name"].startswith("agent-")]


def test_every_container_is_small_and_shown_as_it_is(firm, engine):
    def rows():
        found = firm.get("management/containers/?limit=200")["results"]
        return found if all(row["health"] == "healthy" and row["memory_bytes"] for row in found) else None

    for row in firm.wait_for(rows, 90, "every container to be healthy and measured"):
        assert (row["runtime"], row["limits_state"]) == ("docker", "enforced")
        assert row["memory_bytes"] < LARGEST_MIB * 2**20
        assert engine.containers.get(row["handle"]).labels[NAME_LABEL] == row["name"]


def test_no_secret_of_the_house_is_shown(firm, engine):
    servers = stored_servers(firm.home)
    told = json.dumps([one.attrs for one in containers_of(firm, engine)])
    assert "AGENT_STRATEGY" in told
    assert "redis://" not in told
    assert servers.redis_password not in told


def test_a_killed_container_comes_back_and_votes_again(firm, engine):
    facts = FirmFacts(firm)
    one = containers_of(firm, engine)[0]
    agent = one.labels[NAME_LABEL].removeprefix("agent-")
    os.kill(one.attrs["State"]["Pid"], signal.SIGKILL)

    def runs_again():
        one.reload()
        return one.status == "running"

    firm.wait_for(
        lambda: facts.rows(
            f"SELECT count(*) FROM management_incident WHERE subject = 'agent-{agent}'"
            " AND kind = 'agent_ended' AND detail LIKE '%signal 9%'"
        )[0][0],
        60,
        "an incident",
    )
    firm.wait_for(runs_again, 60, "the container to run again")
    votes = facts.rows(f"{VOTES} WHERE agent_id = '{agent}'")[0][0]
    firm.wait_for(lambda: facts.rows(f"{VOTES} WHERE agent_id = '{agent}'")[0][0] > votes, 60, "it to vote again")


def test_stopping_the_firm_leaves_no_container_and_no_network(firm, engine):
    house = containers_of(firm, engine)[0].labels[HOUSE_LABEL]
    assert firm.stop() == 0
    assert engine.containers.list(all=True, filters={"label": f"{HOUSE_LABEL}={house}"}) == []
    assert engine.networks.list(names=[f"tradinghq-{house}"]) == []
