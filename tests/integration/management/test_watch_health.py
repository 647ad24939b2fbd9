"""The look at what lives: what is no trouble, and what is one though everything runs."""

from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest

from apps.agents.models import Agent
from apps.agents.operations import create_agent
from apps.agents.queries import agent_card, heartbeat_key
from apps.foundation import beats
from apps.management import operations
from apps.management.models import Incident
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
NOTHING_RUNS = SimpleNamespace(image="", name="none", enforces_limits=False, observe=list)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def test_a_loop_that_falls_silent_is_told_of_but_not_for_the_time_in_which_the_house_was_down(desk):
    """``core/slow`` beats again some seconds after the others of a house that was down for ten minutes."""
    start = desk.moment().wall

    def beat(name, *, began, at):
        pulse = beats.Pulse(f"core/{name}", "core", start + timedelta(seconds=began))
        beats.beat(pulse, wall=start + timedelta(seconds=at))

    def silent(*, later):
        operations.watch_health(runtime=NOTHING_RUNS, moment=desk.moment(later=later))
        return list(Incident.objects.filter(closed_at=None, kind="loop_silent").values_list("subject", flat=True))

    beat("quick", began=0, at=0)
    beat("slow", began=0, at=0)
    beat("quick", began=600, at=602)
    assert silent(later=604) == []
    beat("quick", began=600, at=660)
    assert silent(later=662) == ["core/slow"]
    beat("slow", began=655, at=663)
    assert silent(later=664) == []
    beat("quick", began=600, at=760)
    assert silent(later=762) == ["core/slow"]


def test_an_agent_whose_strategy_raises_is_told_of_until_it_answers_again(
    desk, clean_redis, django_capture_on_commit_callbacks
):
    agent_id = create_agent(strategy="momentum", actor="test", moment=desk.moment())["id"]
    name = Agent.objects.get().name

    def told(problem):
        sign = {"at": desk.moment().wall.isoformat(), "votes": 3, "failures": 2, "problem": problem}
        clean_redis.set(heartbeat_key(agent_id), orjson.dumps(sign))
        activity = agent_card(agent_id)["activity"]
        with django_capture_on_commit_callbacks(execute=True):
            operations.watch_health(runtime=NOTHING_RUNS, moment=desk.moment())
        rows = Incident.objects.filter(closed_at=None, kind="agent_raises")
        return activity, [(row.subject, row.severity, row.detail) for row in rows]

    detail = "Its strategy raises, and it abstains: KeyError: 'close'. Its log has the traceback."
    assert told("") == ("voting", [])
    assert told("KeyError: 'close'") == ("raising", [(name, "warning", detail)])
    assert not clean_redis.exists(heartbeat_key(agent_id)), "no process of it runs, so it does not look alive"
    assert agent_card(agent_id)["activity"] == "silent"
    assert told("") == ("voting", [])
