from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import hypothesis.strategies as st
import pytest
from hypothesis import given

from apps.management.domain.scale_plan import plan_scale, shares

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Member:
    name: str
    strategy: str
    desired_state: str = "running"
    drained_by_scaling: bool = False
    created_at: datetime = START
    weight: float = 1.0
    benched: bool = False
    id: UUID = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "id", uuid5(UUID(int=0), self.name))


def names(planned) -> list[str]:
    return [one.agent.name for one in planned]


@pytest.mark.parametrize(
    ("target", "distribution", "expected"),
    [
        (5, ["momentum", "arbitrage", "mean_reversion"], {"momentum": 2, "arbitrage": 2, "mean_reversion": 1}),
        (6, ["momentum", "arbitrage", "mean_reversion"], {"momentum": 2, "arbitrage": 2, "mean_reversion": 2}),
        (2, ["momentum", "arbitrage", "mean_reversion"], {"momentum": 1, "arbitrage": 1, "mean_reversion": 0}),
        (4, ["momentum", "momentum", "breakout"], {"momentum": 3, "breakout": 1}),
        (1, ["breakout"], {"breakout": 1}),
    ],
)
def test_agents_are_dealt_in_the_lists_order(target, distribution, expected):
    assert shares(target, distribution) == expected


def test_from_the_first_four_agents_to_five_of_three_strategies():
    four = [Member(f"{name}-1", name) for name in ("arbitrage", "breakout", "mean_reversion", "momentum")]
    plan = plan_scale(5, ["momentum", "arbitrage", "mean_reversion"], four)
    assert [one.strategy for one in plan.created] == ["momentum", "arbitrage"]
    assert names(plan.kept) == ["momentum-1", "arbitrage-1", "mean_reversion-1"]
    assert names(plan.drained) == ["breakout-1"]
    assert plan.drained[0].reason == "breakout is not in the distribution."
    assert plan.created[0].reason == "momentum is to have 2 and has 1."


def test_the_best_record_stays():
    agents = [
        Member("a", "momentum", weight=1.0, created_at=START + timedelta(days=1)),
        Member("b", "momentum", weight=3.0, benched=True),
        Member("c", "momentum", weight=0.5),
        Member("d", "momentum", weight=1.0),
    ]
    plan = plan_scale(2, ["momentum"], agents)
    assert names(plan.kept) == ["d", "a"]
    assert names(plan.drained) == ["c", "b"]
    assert "this one is benched" in plan.drained[1].reason
    assert "this one has weight 0.50" in plan.drained[0].reason


def test_what_scaling_drained_is_started_again_and_what_a_person_stopped_is_not():
    agents = [
        Member("a", "momentum"),
        Member("b", "momentum", desired_state="stopped"),
        Member("c", "momentum", desired_state="stopped", drained_by_scaling=True),
        Member("d", "momentum", desired_state="draining", drained_by_scaling=True, weight=2.0),
    ]
    plan = plan_scale(4, ["momentum"], agents)
    assert (names(plan.started), len(plan.created), names(plan.kept)) == (["d", "c"], 1, ["a"])


strategies = st.sampled_from(["momentum", "breakout", "arbitrage"])
fleets = st.lists(
    st.tuples(
        strategies,
        st.sampled_from(["running", "running", "draining", "stopped"]),
        st.booleans(),
        st.floats(0.25, 4.0),
        st.booleans(),
    ),
    max_size=12,
).map(
    lambda rows: [
        Member(f"{strategy}-{place}", strategy, state, drained, START, weight, benched)
        for place, (strategy, state, drained, weight, benched) in enumerate(rows)
    ]
)


@given(st.integers(1, 20), st.lists(strategies, min_size=1, max_size=5), fleets)
def test_every_plan_leads_to_the_target_and_a_second_one_changes_nothing(target, distribution, fleet):
    plan = plan_scale(target, distribution, fleet)
    assert len(plan.created) + len(plan.started) + len(plan.kept) == target
    assert {one.agent.name for one in (*plan.kept, *plan.drained)} == {
        one.name for one in fleet if one.desired_state == "running"
    }
    after = [Member(f"new-{place}", one.strategy) for place, one in enumerate(plan.created)]
    after += [Member(one.agent.name, one.agent.strategy) for one in (*plan.started, *plan.kept)]
    assert plan_scale(target, distribution, after).changes_nothing
    counted = shares(target, distribution)
    assert all(sum(one.strategy == name for one in after) == number for name, number in counted.items())


@given(st.integers(1, 20), st.lists(strategies, min_size=1, max_size=5), fleets, st.randoms())
def test_the_order_of_the_agents_does_not_matter(target, distribution, fleet, random):
    shuffled = list(fleet)
    random.shuffle(shuffled)
    assert plan_scale(target, distribution, shuffled) == plan_scale(target, distribution, fleet)
