"""Inference workers under a real supervisor: they run while an agent needs a model, and their end is no incident."""

import os
import sys
from uuid import UUID

import pytest

from apps.agents import operations as agents
from apps.foundation import beats
from apps.management.adapters.on_demand_programs import INFERENCE, OnDemandSupervised
from apps.management.adapters.supervised_programs import SupervisedProgram
from apps.management.adapters.supervisor_control import control_socket
from apps.management.models.fleet_state import ONLY, FleetState
from apps.management.operations import keep_inference
from tests.support.agents_room import open_agents_room
from tests.support.running_supervisor import ROOT, running_supervisor, until

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "inference-cpu0"


@pytest.fixture
def programs():
    waits = (sys.executable, "-c", "import signal; signal.pause()")
    program = SupervisedProgram(name=NAME, argv=waits, environment={"PATH": os.environ["PATH"]}, directory=ROOT)
    with running_supervisor(inference=[program]) as supervisor:
        yield OnDemandSupervised(control_socket(supervisor.folder.home), INFERENCE)


def pulse(process, moment):
    name = beats.full_name(process, "inference_device")
    beats.beat(beats.Pulse(name=name, process=process, started_at=moment.wall), wall=moment.wall)


def test_a_worker_runs_exactly_while_an_agent_needs_it(programs, clean_redis):
    room = open_agents_room()
    assert programs.running() == {NAME: False}
    assert keep_inference(programs=programs) == ()
    card = agents.create_agent(strategy="neural", actor="test", moment=room.moment())
    assert keep_inference(programs=programs) == (NAME,)
    until(lambda: programs.running()[NAME], "the worker to start")
    assert keep_inference(programs=programs) == ()
    pulse(NAME, room.moment())
    pulse("inference-cpu01", room.moment())
    FleetState.objects.update_or_create(pk=ONLY, defaults={"paused": True})
    assert keep_inference(programs=programs) == (NAME,)
    assert programs.running() == {NAME: False}
    assert [one.process for one in beats.own() if one.process.startswith("inference")] == ["inference-cpu01"]
    agents.stop_agent(agent_id=UUID(card["id"]), actor="test", moment=room.moment())
    FleetState.objects.update(paused=False)
    assert keep_inference(programs=programs) == ()


def test_where_no_supervisor_is_there_is_nothing_to_keep(tmp_path, clean_redis):
    room = open_agents_room()
    agents.create_agent(strategy="neural", actor="test", moment=room.moment())
    assert keep_inference(programs=OnDemandSupervised(tmp_path / "control.sock", INFERENCE)) == ()
