"""An emergency stop over a fleet that runs: each step is done, or said and done later; the halt stands."""

import threading
from decimal import Decimal

import pytest
from django.db import OperationalError, connection

from apps.foundation import lease, redis_pool
from apps.foundation.errors import NotReady
from apps.management import operations, queries
from apps.management.adapters.process_runtime import ProcessRuntime
from apps.management.adapters.supervisor_control import SupervisorControl
from apps.management.models import Incident
from apps.trading.queries import trading_state
from tests.integration.management.test_converge_fleet import converge, moment, new_agent, pid_of
from tests.support.celery_broker import broker_at
from tests.support.leading import HOUSE
from tests.support.running_supervisor import ROOT, until
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def stop():
    return operations.emergency_stop(actor="test", reason="Strange prices.", flatten=False, moment=moment())


def follow(runtime, *, seconds: float = 0, house=HOUSE):
    return operations.follow_stop(runtime=runtime, house=house, moment=moment(seconds))


def followed(runtime):
    while follow(runtime):
        pass
    return queries.stop_progress()


def running(runtime):
    return [one.name for one in runtime.observe() if one.running]


class OneAfterTheOther:
    """A runtime that ends a container once the one before it is told to have ended, though not all that was asked is
    done.
    """

    def __init__(self, runtime):
        self._runtime, self._turn = runtime, threading.Lock()
        self.agents_left = []

    def __getattr__(self, name):
        return getattr(self._runtime, name)

    def stop(self, name):
        with self._turn:
            due = 3 - len(self.agents_left)
            until(lambda: queries.stop_progress()["agents_left"] == due, f"{due} agents to be left")
            self.agents_left.append(due)
            self._runtime.stop(name)


def resting_order(desk):
    order = desk.propose(type="limit", limit_price=Decimal(40000))
    desk.send(order)
    assert desk.order(order).state == "ACCEPTED"
    return order


def test_agents_end_orders_are_canceled_and_both_are_measured_from_the_halt(runtime, desk):
    agents = [new_agent(), new_agent("breakout")]
    converge(runtime)
    until(lambda: all(pid_of(runtime, agent) for agent in agents), "the agents to run")
    converge(runtime)
    order = resting_order(desk)
    told = stop()
    assert (told["state"], told["agents"]) == ("HALTED", "stopping")
    assert (told["progress"]["orders_left"], told["progress"]["agents_left"]) == (1, 2)
    assert (told["progress"]["orders_total"], told["progress"]["agents_total"]) == (1, 2)

    seen = followed(runtime)
    assert running(runtime) == []
    assert (seen["agents_left"], seen["orders_left"], seen["orders_seconds"]) == (0, 1, None)
    assert 0 < seen["agents_seconds"] < 60

    desk.sweep(later=5)
    assert desk.order(order).state == "CANCELED"
    seen = followed(runtime)
    assert (seen["orders_left"], seen["orders_seconds"] > 0) == (0, True)
    assert (seen["orders_total"], seen["agents_total"]) == (1, 2)
    assert not Incident.objects.exists()
    assert converge(runtime) == []


def test_each_agent_that_has_ended_is_told_while_others_still_end(runtime, desk):
    agents = [new_agent(), new_agent("breakout"), new_agent("mean_reversion")]
    converge(runtime)
    until(lambda: all(pid_of(runtime, agent) for agent in agents), "the agents to run")
    converge(runtime)
    stop()
    slow = OneAfterTheOther(runtime)
    assert follow(slow)
    assert slow.agents_left == [3, 2, 1]
    seen = followed(runtime)
    assert (seen["agents_left"], seen["agents_total"], seen["agents_seconds"] > 0) == (0, 3, True)


def test_a_runtime_that_is_away_is_an_incident_and_the_agents_are_stopped_once_it_answers(runtime, desk, tmp_path):
    agent = new_agent()
    converge(runtime)
    until(lambda: pid_of(runtime, agent), "the agent to run")
    away = ProcessRuntime(runtime._folder, SupervisorControl(tmp_path / "nobody.sock"), ROOT)
    stop()
    for _ in range(2):
        with pytest.raises(NotReady):
            follow(away)
    incident = Incident.objects.get(kind="stop_agents_left")
    assert (incident.severity, incident.occurrences, incident.closed_at) == ("critical", 2, None)
    assert "does not answer" in incident.detail
    assert "Trading is halted all the same." in incident.detail
    assert trading_state().state == "HALTED"
    assert queries.stop_progress()["orders_seconds"] is not None
    assert running(runtime) != []

    seen = followed(runtime)
    assert (running(runtime), seen["agents_left"]) == ([], 0)
    incident.refresh_from_db()
    assert incident.close_reason == "No agent runs any more."


def test_it_needs_no_redis_and_no_broker(runtime, desk, settings):
    agent = new_agent()
    converge(runtime)
    until(lambda: pid_of(runtime, agent), "the agent to run")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_pool.client.cache_clear()
    try:
        with broker_at(settings.REDIS_URL):
            assert stop()["state"] == "HALTED"
            assert followed(runtime)["agents_seconds"] > 0
    finally:
        redis_pool.client.cache_clear()
    assert running(runtime) == []


def test_an_order_that_no_venue_confirms_is_an_incident_after_a_while(runtime, desk):
    order = resting_order(desk)
    stop()
    follow(runtime, seconds=5)
    assert not Incident.objects.exists()
    follow(runtime, seconds=20)
    incident = Incident.objects.get()
    assert (incident.kind, incident.severity) == ("stop_orders_left", "critical")
    assert incident.detail.startswith("1 orders wait to be canceled")
    desk.sweep(later=25)
    assert desk.order(order).state == "CANCELED"
    follow(runtime, seconds=30)
    incident.refresh_from_db()
    assert incident.closed_by == "system"


def test_orders_that_could_not_be_asked_back_are_asked_later_and_the_agents_are_stopped_all_the_same(
    runtime, desk, monkeypatch
):
    agent, order = new_agent(), resting_order(desk)
    converge(runtime)
    until(lambda: pid_of(runtime, agent), "the agent to run")

    def fails(**_):
        raise OperationalError("the line was cut")

    with monkeypatch.context() as patch:
        patch.setattr("apps.trading.operations.risk.halt_trading.cancel_open_orders", fails)
        with pytest.raises(OperationalError):
            stop()
    assert (trading_state().state, desk.order(order).state) == ("HALTED", "ACCEPTED")
    followed(runtime)
    assert (desk.order(order).state, running(runtime)) == ("PENDING_CANCEL", [])
    desk.sweep(later=5)
    follow(runtime)
    assert desk.order(order).state == "CANCELED"
    assert queries.stop_progress()["orders_left"] == 0


def test_a_stop_that_is_given_while_agents_are_being_started_ends_that(runtime, desk, supervisor):
    agents = [new_agent() for _ in range(3)]

    class StoppedMeanwhile(ProcessRuntime):
        at_once = 1
        asked = threading.Event()

        def start(self, spec):
            super().start(spec)
            if not self.asked.is_set():
                self.asked.set()
                stop()
                connection.close()  # of the fleet's own thread

    steps = converge(StoppedMeanwhile(supervisor.folder, supervisor.control, ROOT))
    assert [act for act, _ in steps] == ["start"]
    assert len(agents) == 3
    assert len(running(runtime)) == 1
    assert followed(runtime)["agents_left"] == 0
    assert running(runtime) == []


def test_a_house_that_stands_by_leaves_the_stop_to_the_one_that_leads(runtime, desk):
    stop()
    assert not follow(runtime, house=lease.House("another house", "hq-2"))
    assert queries.stop_progress()["agents_seconds"] is None
    follow(runtime)
    assert queries.stop_progress()["agents_seconds"] is not None


def test_what_was_left_of_a_stop_is_over_when_trading_is_resumed(runtime, desk, tmp_path):
    stop()
    with pytest.raises(NotReady):
        follow(ProcessRuntime(runtime._folder, SupervisorControl(tmp_path / "nobody.sock"), ROOT))
    operations.resume(actor="test", reason="It was a drill.", moment=moment())
    assert Incident.objects.get(kind="stop_agents_left").close_reason == "Trading was resumed."
    assert queries.stop_progress() is None
    assert not follow(runtime)
