"""Several people and the autoscaler scale at once, with real commits: the last plan sees what the first one did."""

import threading

import pytest
from django.db import connection

from apps.agents import operations as agents
from apps.agents.models import Agent
from apps.foundation.clock import Moment, wall_now
from apps.management import operations
from apps.management.domain.host_budget import Resources
from apps.management.models import ScalingDecision

pytestmark = pytest.mark.django_db(transaction=True)
PLENTY = Resources(2**40, 100.0)


def moment() -> Moment:
    return Moment(wall=wall_now(), firm=wall_now())


def scale(target: int, actor: str) -> None:
    operations.scale_fleet(
        target_agents=target,
        strategy_distribution=["momentum", "breakout"],
        reason="",
        budget=PLENTY,
        actor=actor,
        moment=moment(),
    )


def at_once(*steps) -> list[BaseException]:
    """Run all of them from one start; what they raised."""
    start, raised = threading.Barrier(len(steps)), []

    def run(step) -> None:
        try:
            start.wait(30)
            step()
        except BaseException as error:  # noqa: BLE001 - told to the test
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return raised


def test_the_same_request_from_several_people_is_carried_out_once(clean_redis):
    assert at_once(*[lambda actor=actor: scale(6, actor) for actor in ("a", "b", "c", "d")]) == []
    assert Agent.objects.count() == 6
    assert ScalingDecision.objects.count() == 1


def test_scaling_beside_stops_and_new_agents_never_waits_in_a_circle(clean_redis):
    scale(8, "boss")
    ids = list(Agent.objects.order_by("-pk").values_list("pk", flat=True))
    stops = [lambda pk=pk: agents.stop_agent(agent_id=pk, actor="a", moment=moment()) for pk in ids[:3]]
    news = [lambda: agents.create_agent(strategy="momentum", actor="b", moment=moment())] * 2
    raised = at_once(lambda: scale(2, "c"), *stops, *news, lambda: agents.finish_draining(moment=moment()))
    assert [error for error in raised if getattr(error, "code", "") != "agent_changed"] == []
    scale(4, "boss")
    assert Agent.objects.filter(desired_state="running").count() == 4
