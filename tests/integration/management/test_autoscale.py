"""The autoscaler's look on a real database: what it reads, what it keeps, what it does."""

from datetime import timedelta

import pytest

from apps.agents.models import Agent, AgentScore
from apps.foundation.models import AuditEntry
from apps.management import operations
from apps.management.domain.host_budget import Resources
from apps.management.models import FleetState, ScalingDecision
from tests.support.agents_room import AgentsRoom
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
PLENTY = Resources(8 * 2**30, 16.0)


class House:
    """A firm with four agents in a market of which the test makes the bars."""

    def __init__(self):
        self.room = AgentsRoom(open_desk())
        self.later = 0.0
        self.bars(160, 0.001)

    def bars(self, count: int, step: float) -> None:
        for number in range(count):
            factor = 1 + step * (number % 2)
            self.room.market.bar(**{name: (price * factor,) * 4 for name, price in PRICES.items()})
        self.room.desk.guard()

    def moment(self):
        return self.room.moment(later=self.later)

    def switch_on(self, **changes) -> None:
        given = {"enabled": True, "hold_seconds": 0, "cooldown_seconds": 300} | changes
        operations.change_autoscaler(changes=given, actor="boss", reason="A test.", moment=self.moment())

    def look(self, budget: Resources = PLENTY, *, after: float = 60) -> ScalingDecision | None:
        self.later += after
        return operations.autoscale(budget=budget, moment=self.moment())


PRICES = {"BTC": 50_000.0, "ETH": 2_500.0, "SOL": 100.0}


@pytest.fixture
def house(clean_redis):
    return House()


def running() -> dict[str, str]:
    return dict(Agent.objects.filter(desired_state="running").values_list("name", "origin"))


def test_it_is_off_until_somebody_switches_it_on(house):
    assert house.look() is None
    assert not ScalingDecision.objects.exists()


def test_a_storm_deploys_and_calm_drains_what_it_deployed(house):
    house.switch_on()
    calm = house.look()
    assert (calm.action, calm.code) == ("nothing", "in_bounds")
    house.bars(30, 0.01)
    storm = house.look()
    assert (storm.action, storm.code, storm.plan["created"]) == ("deploy", "volatile", "momentum-2")
    assert storm.inputs["volatility"] > 1.5
    assert [one["name"] for one in storm.inputs["agents"]] == sorted(running().keys() - {"momentum-2"})
    assert running()["momentum-2"] == "autoscaler"
    assert AuditEntry.objects.get(action="autoscaler.deploy").payload.count("momentum-2") == 1
    assert AuditEntry.objects.get(action="agent.created", actor="autoscaler")

    cooling = house.look()
    assert (cooling.action, cooling.code) == ("nothing", "volatile_waits")
    house.bars(60, 0.001)
    drained = house.look(after=300)
    assert (drained.action, drained.plan["drained"], drained.plan["state"]) == ("drain", "momentum-2", "stopped")
    assert sorted(running()) == ["arbitrage-1", "breakout-1", "mean-reversion-1", "momentum-1"]

    house.bars(30, 0.01)
    again = house.look(after=300)
    assert (again.action, again.plan["started"]) == ("deploy", "momentum-2"), "it keeps its record"
    assert Agent.objects.count() == 5


def test_never_above_the_budget(house):
    house.switch_on()
    house.bars(30, 0.01)
    full = house.look(Resources(4 * 256 * 2**20, 16.0))
    assert (full.action, full.code) == ("nothing", "volatile_blocked")
    assert "Another agent takes 256 MiB of memory and 0.5 CPUs" in full.reason
    assert Agent.objects.count() == 4


def test_missed_deadlines_get_more_resources(house):
    house.switch_on()
    for _ in range(6):
        house.room.ask()
        for symbol in house.room.market.last:
            house.room.answer(symbol, silent={"momentum"} if symbol != "BTC/USDT" else ())
        house.room.close(later=30)
    house.later = 30
    grown = house.look()
    assert (grown.action, grown.plan["configured"]) == ("more_resources", "momentum-1")
    assert house.room.agent("momentum").resources == {"memory": "512M", "cpu": 1.0}
    momentum = next(one for one in grown.inputs["agents"] if one["name"] == "momentum-1")
    assert (momentum["asked"], momentum["missed"]) == (18, 12)


def test_a_bad_record_is_benched(house):
    agent = house.room.agent("breakout")
    AgentScore.objects.create(
        agent=agent,
        at=house.moment().firm,
        scored_wall=house.moment().wall,
        votes=300,
        opinions=250,
        hits=80,
        hit_rate=0.32,
        brier=0.29,
        pnl_bps=-120.0,
        weight=0.5,
    )
    house.switch_on()
    benched = house.look()
    assert (benched.action, benched.plan["benched"]) == ("bench", "breakout-1")
    assert house.room.agent("breakout").benched_reason == benched.reason


def test_two_schedulers_at_once_decide_once(house):
    house.switch_on()
    assert house.look() is not None
    assert house.look(after=1) is None
    assert ScalingDecision.objects.count() == 1


def test_a_stop_holds_it_back(house):
    house.switch_on()
    house.bars(30, 0.01)
    FleetState.objects.create(paused=True, actor="boss")
    assert house.look().reason == "The stop of boss holds the agents back until trading is resumed."


def test_a_persons_request_starts_the_cool_down(house):
    house.switch_on()
    operations.scale_fleet(
        target_agents=5,
        strategy_distribution=["momentum"],
        reason="",
        budget=PLENTY,
        actor="boss",
        moment=house.moment(),
    )
    house.bars(30, 0.01)
    assert house.look().code == "volatile_waits"
    assert house.look(after=300).action == "deploy"


def test_what_the_agents_room_refuses_becomes_a_decision_with_the_reason(house):
    house.switch_on()
    house.bars(30, 0.01)
    Agent.objects.filter(strategy="momentum").update(desired_state="stopped")
    template = Agent.objects.get(strategy="momentum")
    for number in range(497):
        template.pk, template.name = f"00000000-0000-0000-0000-{number:012}", f"spare-{number}"
        template.save(force_insert=True)
    refused = house.look()
    assert (refused.action, refused.code) == ("nothing", "refused")
    assert "destroy some first" in refused.reason


def test_old_looks_without_an_act_are_forgotten(house):
    house.switch_on()
    house.look()
    house.bars(30, 0.01)
    house.look()
    later = house.room.moment(later=timedelta(days=8).total_seconds())
    operations.prune_records(moment=later)
    assert list(ScalingDecision.objects.values_list("action", flat=True)) == ["deploy"]
