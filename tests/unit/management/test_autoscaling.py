"""The decision table, rule by rule, and what must hold for any signal: cool-down, budget, drain first."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from apps.management.domain.autoscaling import (
    Action,
    AgentFacts,
    FleetInputs,
    Remembered,
    ScalingRules,
    decide_scaling,
    is_hot,
)
from apps.management.domain.host_budget import Resources
from apps.management.domain.volatility_regime import volatility_ratio

START = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 2**20
NEW = Resources(256 * MIB, 0.5)
RULES = ScalingRules(hold_seconds=0)


def agent(number: int, strategy: str = "momentum", **facts) -> AgentFacts:
    given = {
        "own": False,
        "memory_bytes": NEW.memory_bytes,
        "cpus": NEW.cpus,
        "weight": 1.0,
        "benched": False,
        "brier": 0.25,
        "opinions": 500,
        "pnl_bps": 0.0,
        "asked": 30,
        "missed": 0,
    }
    return AgentFacts(id=UUID(int=number), name=f"{strategy}-{number}", strategy=strategy, **given | facts)


def look(*running: AgentFacts, **facts) -> FleetInputs:
    given = {"at": START, "draining": (), "volatility": 1.0, "budget": NEW * 8, "new_agent": NEW}
    return FleetInputs(running=running, **given | facts)


def verdict(inputs: FleetInputs, rules: ScalingRules = RULES, **before):
    return decide_scaling(inputs, rules, Remembered(**before))


def test_volatility_deploys_the_strategy_that_runs_least():
    found = verdict(look(agent(1), agent(2, "breakout"), volatility=2.0))
    assert (found.action, found.code, found.strategy) == (Action.DEPLOY, "volatile", "mean_reversion")
    assert found.reason.startswith("Volatility is 2.00 times the usual, which counts as volatile")
    assert found.remembered == Remembered(hot=True, acted_at=START)


def test_of_equally_many_the_better_record_is_deployed():
    running = [agent(1), agent(2, "mean_reversion", weight=2.0), agent(3, "breakout")]
    assert verdict(look(*running, volatility=2.0)).strategy == "mean_reversion"


def test_calm_drains_the_worst_of_its_own_and_nobody_elses():
    running = [agent(1, weight=0.3), agent(2, own=True, weight=2.0), agent(3, own=True, weight=1.5)]
    found = verdict(look(*running), hot=True, acted_at=START - timedelta(days=1))
    assert (found.action, found.code, found.agent.name) == (Action.DRAIN, "calm", "momentum-3")
    assert verdict(look(agent(1), agent(2))).action == Action.NOTHING


def test_between_the_thresholds_the_regime_stays():
    assert is_hot(1.3, RULES, was_hot=True)
    assert not is_hot(1.3, RULES, was_hot=False)
    assert is_hot(None, RULES, was_hot=True)
    assert not is_hot(1.19, RULES, was_hot=True)
    assert is_hot(1.5, RULES, was_hot=False)


def test_no_history_neither_deploys_nor_drains():
    found = verdict(look(agent(1), agent(2, own=True), volatility=None), hot=True)
    assert (found.action, found.remembered.hot) == (Action.NOTHING, True)
    assert found.reason.startswith("There is too little history")


def test_late_votes_get_twice_the_resources_until_the_ceiling():
    late = agent(1, asked=30, missed=10)
    found = verdict(look(late, agent(2, missed=2)))
    assert (found.action, found.agent, found.resources) == (Action.MORE_RESOURCES, late, Resources(512 * MIB, 1.0))
    assert found.reason == "momentum-1 missed 10 of 30 deadlines with 256 MiB of memory and 0.5 CPUs."
    most = replace(late, memory_bytes=2**30, cpus=2.0)
    assert verdict(look(most)).code == "late_blocked"


def test_resources_beyond_the_budget_are_not_given():
    found = verdict(look(agent(1, missed=10), budget=NEW))
    assert (found.action, found.code) == (Action.NOTHING, "late_blocked")
    assert "beyond the host's budget of 256 MiB of memory and 0.5 CPUs" in found.reason


def test_one_that_never_votes_or_was_hardly_asked_is_no_matter_of_resources():
    assert verdict(look(agent(1, asked=30, missed=30), agent(2, asked=5, missed=4))).action == Action.NOTHING


def test_a_bad_record_is_benched_unless_nobody_else_is_heard():
    bad = agent(1, brier=0.29, pnl_bps=-80.0)
    found = verdict(look(bad, agent(2)))
    assert (found.action, found.agent) == (Action.BENCH, bad)
    assert verdict(look(bad)).code == "weak_blocked"
    assert verdict(look(replace(bad, benched=True), agent(2))).action == Action.NOTHING
    assert verdict(look(replace(bad, opinions=99), agent(2))).action == Action.NOTHING
    assert verdict(look(replace(bad, pnl_bps=1.0), agent(2))).action == Action.NOTHING


def test_above_the_budget_its_own_go_first_and_people_are_told_about_the_rest():
    running = [agent(1), agent(2, own=True)]
    assert verdict(look(*running, volatility=3.0, budget=NEW)).agent == running[1]
    found = verdict(look(agent(1), agent(2), volatility=3.0, budget=NEW))
    assert (found.action, found.code) == (Action.NOTHING, "over_budget_blocked")
    assert found.reason.endswith("Those that run were started by people; stop some, or raise it.")


def test_too_few_are_filled_up():
    found = verdict(look(volatility=None), replace(RULES, least_agents=2))
    assert (found.action, found.code, found.strategy) == (Action.DEPLOY, "too_few", "momentum")


def test_no_deploy_beyond_the_most_or_the_budget():
    assert verdict(look(agent(1), volatility=2.0), replace(RULES, most_agents=1)).code == "volatile_blocked"
    assert verdict(look(agent(1), volatility=2.0, budget=NEW)).code == "volatile_blocked"


def test_nothing_happens_while_an_agent_drains_or_a_stop_holds():
    drains = verdict(look(agent(1), draining=(agent(2),), volatility=2.0))
    assert (drains.action, drains.code) == (Action.NOTHING, "draining")
    held = verdict(look(agent(1), volatility=2.0, held_back="A stop."))
    assert (held.action, held.reason) == (Action.NOTHING, "A stop.")


def test_a_signal_counts_once_it_has_held():
    rules = replace(RULES, hold_seconds=120)
    first = verdict(look(agent(1), volatility=2.0), rules)
    assert (first.action, first.code, first.remembered.wish_since) == (Action.NOTHING, "volatile_waits", START)
    later = look(agent(1), volatility=2.1, at=START + timedelta(seconds=119))
    assert decide_scaling(later, rules, first.remembered).action == Action.NOTHING
    held = replace(later, at=START + timedelta(seconds=120))
    assert decide_scaling(held, rules, first.remembered).action == Action.DEPLOY


def test_an_act_starts_the_cool_down():
    found = verdict(look(agent(1), volatility=2.0), acted_at=START - timedelta(seconds=599))
    assert (found.action, found.reason.endswith("it cools down for another 1 s.")) == (Action.NOTHING, True)
    assert verdict(look(agent(1), volatility=2.0), acted_at=START - timedelta(seconds=600)).action == Action.DEPLOY


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strategies": ()}, "strategies"),
        ({"least_agents": 5, "most_agents": 4}, "least_agents"),
        ({"hot_above": 1.2, "cool_under": 1.3}, "cool_under"),
        ({"cooldown_seconds": 0}, "cooldown_seconds"),
        ({"hot_above": float("nan")}, "hot_above"),
    ],
)
def test_rules_that_can_not_be_are_refused_by_field(changes, field):
    with pytest.raises(ValueError, match=f"^{field} "):
        replace(RULES, **changes)


class Fleet:
    """A fleet that does what is decided; ``looks`` every ten seconds."""

    def __init__(self, rules: ScalingRules, budget: Resources):
        self.rules, self.budget, self.remembered = rules, budget, Remembered()
        self.at, self.number, self.acts, self.draining = START, 2, [], []
        self.running = [agent(1), agent(2, "breakout")]

    def look(self, volatility: float | None, missed: int, brier: float) -> None:
        seen = [replace(one, missed=missed, brier=brier, pnl_bps=-1.0) for one in self.running]
        inputs = look(*seen, at=self.at, draining=tuple(self.draining), volatility=volatility, budget=self.budget)
        found = decide_scaling(inputs, self.rules, self.remembered)
        self.remembered, self.draining = found.remembered, []
        if found.action != Action.NOTHING:
            assert not inputs.draining, "it acted before what drains was gone"
            self.acts.append((self.at, found.action))
        self._do(found)
        self.at += timedelta(seconds=10)

    def _do(self, found) -> None:
        place = next((i for i, one in enumerate(self.running) if found.agent and one.id == found.agent.id), None)
        match found.action:
            case Action.DEPLOY:
                self.number += 1
                self.running.append(agent(self.number, found.strategy, own=True))
            case Action.DRAIN:
                assert self.running[place].own
                self.draining = [self.running.pop(place)]
            case Action.MORE_RESOURCES:
                given = found.resources
                self.running[place] = replace(self.running[place], memory_bytes=given.memory_bytes, cpus=given.cpus)
            case Action.BENCH:
                self.running[place] = replace(self.running[place], benched=True)

    @property
    def used(self) -> Resources:
        return look(*self.running, draining=tuple(self.draining)).used


@given(st.integers(0, 2**32), st.integers(2, 6), st.integers(0, 300), st.integers(60, 900))
def test_any_signal_each_ten_seconds_keeps_cool_down_and_budget(seed, room, hold, cooldown):
    fleet, chance = Fleet(ScalingRules(hold_seconds=hold, cooldown_seconds=cooldown), NEW * room), Random(seed)
    for _ in range(chance.randint(1, 20)):
        volatility = chance.choice([None, 0.5, 1.0, 1.3, 2.0, 5.0])
        missed, brier = chance.choice([0, 0, 5, 12, 30]), chance.choice([0.25, 0.25, 0.29])
        for _ in range(chance.randint(1, 40)):
            fleet.look(volatility, missed, brier)
            assert fleet.used.fits(fleet.budget)
    moments = [at for at, _ in fleet.acts]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert all(gap >= timedelta(seconds=cooldown) for gap in gaps), fleet.acts


def test_a_signal_that_flaps_each_ten_seconds_never_acts_while_it_must_hold():
    fleet = Fleet(ScalingRules(hold_seconds=60), NEW * 8)
    fleet.running.append(agent(3, own=True))
    for number in range(360):
        fleet.look(5.0 if number % 2 else 0.5, 0, 0.25)
    assert fleet.acts == []


def test_an_hour_of_storm_and_an_hour_of_calm_grow_to_the_budget_and_shrink_back():
    fleet = Fleet(ScalingRules(), NEW * 5)
    for _ in range(360):
        fleet.look(3.0, 0, 0.25)
    assert [action for _, action in fleet.acts] == [Action.DEPLOY] * 3
    assert len(fleet.running) == 5
    for _ in range(360):
        fleet.look(1.0, 0, 0.25)
    assert [action for _, action in fleet.acts[3:]] == [Action.DRAIN] * 3
    assert [one.own for one in fleet.running] == [False, False]


def test_volatility_is_measured_against_the_usual():
    def prices(steps):
        price, closes = 100.0, {}
        for number, step in enumerate(steps):
            price *= 1 + (step if number % 2 else -step)
            closes[START + timedelta(minutes=number)] = price
        return closes

    calm, wild = prices([0.001] * 400), prices([0.001] * 370 + [0.004] * 30)
    assert volatility_ratio({"A": calm}) == pytest.approx(1.0, abs=0.01)
    assert volatility_ratio({"A": wild}) == pytest.approx(2.67, abs=0.2)
    assert volatility_ratio({"A": calm, "B": wild, "C": wild}) == volatility_ratio({"B": wild})
    assert volatility_ratio({"A": prices([0.001] * 100)}) is None
    assert volatility_ratio({"A": prices([0.0] * 400)}) is None
    assert volatility_ratio({}) is None
