"""A drained agent is asked no more, the rounds that wait for it get their vote, and then it stops."""

import pytest

from apps.agents import operations
from apps.agents.models import Agent, DecisionRound
from apps.agents.queries import desired_agents
from apps.foundation.errors import Conflict
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry
from tests.support.agents_room import AgentsRoom
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(clean_redis):
    room = AgentsRoom(open_desk())
    for _ in range(60):  # what the strategies need to be asked at all
        room.market.bar()
    room.desk.guard()
    return room


def scale(room, *, create=(), start=(), drain=()):
    return operations.scale_agents(
        create=create,
        start=dict.fromkeys(start, "A test."),
        drain=dict.fromkeys(drain, "A test."),
        origin="scaling",
        actor="tester",
        moment=room.moment(),
    )


def state_of(agent) -> str:
    return Agent.objects.get(pk=agent.pk).desired_state


def asks(row: DecisionRound) -> set[str]:
    return {entry["name"] for entry in row.asked}


def test_one_that_no_round_waits_for_stops_at_once(room):
    agent = room.agent("momentum")
    done = scale(room, drain=[agent.pk])
    assert (done.drained, state_of(agent)) == ({agent.pk: "stopped"}, "stopped")
    assert AuditEntry.objects.get(action="agent.drained").actor == "tester"


def test_open_rounds_get_their_vote_before_it_stops(room):
    agent = room.agent("momentum")
    room.ask()
    assert scale(room, drain=[agent.pk]).drained == {agent.pk: "draining"}
    assert {one.name: one.running for one in desired_agents()}["momentum-1"], "its process must live on"
    assert operations.finish_draining(moment=room.moment()) == 0
    for symbol in room.market.last:
        room.answer(symbol)
    room.close()
    assert state_of(agent) == "stopped"
    row = room.round()
    assert "momentum-1" in {vote.agent.name for vote in room.votes(row)}
    assert row.decision.opinions == len(row.asked)
    room.ask()
    assert "momentum-1" not in asks(room.round())


def test_a_round_that_ends_without_its_vote_ends_the_drain_too(room):
    agent = room.agent("momentum")
    room.ask()
    scale(room, drain=[agent.pk])
    for symbol in room.market.last:
        room.answer(symbol, silent={"momentum"})
    room.close()
    assert state_of(agent) == "draining"
    room.close(later=60)
    assert state_of(agent) == "stopped"


def test_no_new_round_asks_a_draining_agent(room):
    agent = room.agent("momentum")
    room.ask()
    assert "momentum-1" in asks(room.round())
    scale(room, drain=[agent.pk])
    room.ask()
    assert "momentum-1" not in asks(room.round())


def test_a_person_may_let_it_run_on(room):
    agent = room.agent("momentum")
    room.ask()
    scale(room, drain=[agent.pk])
    operations.start_agent(agent_id=agent.pk, actor="tester", moment=room.moment())
    room.close(later=60)
    found = Agent.objects.get(pk=agent.pk)
    assert (found.desired_state, found.drain_reason) == ("running", "")


def test_what_was_drained_can_be_started_again_with_its_record(room):
    agent = room.agent("momentum")
    Agent.objects.filter(pk=agent.pk).update(weight=2.5)
    scale(room, drain=[agent.pk])
    scale(room, start=[agent.pk])
    found = Agent.objects.get(pk=agent.pk)
    assert (found.desired_state, found.weight, found.drain_reason) == ("running", 2.5, "")


def test_all_of_it_or_nothing(room):
    agent, other = room.agent("momentum"), room.agent("breakout")
    operations.destroy_agent(agent_id=other.pk, actor="tester", moment=room.moment())
    before = Agent.objects.count()
    for wrong in (other.pk, new_id()):
        with pytest.raises(Conflict) as refused:
            scale(room, create=["arbitrage"], drain=[agent.pk, wrong])
        assert refused.value.code == "agent_changed"
    assert (Agent.objects.count(), state_of(agent)) == (before, "running")


def test_many_are_created_with_names_of_their_own_and_their_origin(room):
    operations.destroy_agent(agent_id=room.agent("momentum").pk, actor="tester", moment=room.moment())
    done = scale(room, create=["momentum", "breakout", "momentum"])
    assert [name for _, name, _ in done.created] == ["momentum-2", "breakout-2", "momentum-3"]
    assert set(Agent.objects.filter(pk__in=[pk for pk, _, _ in done.created]).values_list("origin", flat=True)) == {
        "scaling"
    }
    assert room.agent("arbitrage").origin == "first start"


def test_there_may_be_only_so_many(room):
    with pytest.raises(Conflict) as refused:
        scale(room, create=["momentum"] * 497)
    assert refused.value.code == "too_many_agents"
    assert Agent.objects.count() == 4


def test_a_benched_agent_keeps_its_first_reason(room):
    agent = room.agent("momentum")
    for reason in ("First.", "Second."):
        operations.bench_agent(agent_id=agent.pk, reason=reason, actor="tester", moment=room.moment())
    assert Agent.objects.get(pk=agent.pk).benched_reason == "First."
    operations.stop_agent(agent_id=agent.pk, actor="tester", moment=room.moment())
    with pytest.raises(Conflict):
        operations.bench_agent(agent_id=agent.pk, reason="Third.", actor="tester", moment=room.moment())
