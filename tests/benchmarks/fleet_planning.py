"""Planning for 200 containers: what the fleet's loop does before it touches the runtime, and a whole request to scale.

The loop's part reads the agents, makes the containers' specifications with their secrets and digests, and compares them
with what runs: of the 200 a quarter is missing, a quarter was changed and a quarter makes no progress, and 50 more are
not wanted.
The bare part reads the same rows by psycopg and compares names as sets.
"""

import os
from typing import Any

import psycopg

from tests.benchmarks import order_desk
from tests.benchmarks.measure import Line, in_turns, milliseconds, p50, p99

AGENTS = 200
UNWANTED = 50
ROUNDS, BATCH = 10, 5
STRATEGIES = ["momentum", "mean_reversion", "breakout", "arbitrage"]
BARE = (
    "SELECT id, name, strategy, timeframe, instruments, parameters, resources FROM agents_agent"
    " WHERE desired_state = 'running'"
)


def run() -> list[Line]:
    """Milliseconds of a plan beside the bare one, and of the request that made the 200 agents."""
    order_desk.open_accounts()
    request = milliseconds(_scale)
    plan = Plan()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        ours, bare = in_turns(ROUNDS, BATCH, plan, lambda: plan.bare(connection))
    return [
        Line(
            f"plan to converge {AGENTS} containers, p50 (p99), ms",
            f"{p50(ours):.1f} ({p99(ours):.1f})",
            f"{p50(bare):.1f}",
            f"{p50(ours) / p50(bare):.1f}",
            "< 100 ms",
        ),
        Line(f"request to scale from none to {AGENTS} agents, ms", f"{request:.0f}", "", "", ""),
    ]


def _scale() -> None:
    from apps.foundation import after_commit
    from apps.management.domain.host_budget import Resources
    from apps.management.operations import scale_fleet
    from apps.market.queries import current_moment

    after_commit._send = lambda *_: None  # no worker takes the hint
    plenty = Resources(2**40, 1_000.0)
    view = scale_fleet(
        target_agents=AGENTS,
        strategy_distribution=STRATEGIES,
        reason="",
        budget=plenty,
        actor="bench",
        moment=current_moment(),
    )
    if len(view["created"]) != AGENTS:
        raise RuntimeError(f"{AGENTS} agents were to be created: {view}")


class Plan:
    """The loop's plan against a runtime that has drifted away from what is wanted."""

    def __init__(self) -> None:
        from apps.management.domain.fleet_plan import Present
        from apps.management.operations.wanted_containers import wanted_containers

        specs = list(wanted_containers(image="bench").values())
        quarter = AGENTS // 4
        there = specs[quarter:]
        self.present = [Present(spec.name, "changed", running=True) for spec in there[:quarter]]
        self.present += [Present(spec.name, spec.digest, running=True) for spec in there[quarter:]]
        self.present += [Present(f"agent-{number}", "gone", running=True) for number in range(UNWANTED)]
        self.unhealthy = {spec.name for spec in specs[-quarter:]}
        self.steps = 2 * quarter + quarter + UNWANTED

    def __call__(self) -> None:
        from apps.management.domain.fleet_plan import Wanted, plan_fleet
        from apps.management.operations.wanted_containers import wanted_containers

        specs = wanted_containers(image="bench")
        steps = plan_fleet(
            [Wanted(spec.name, spec.digest) for spec in specs.values()], self.present, unhealthy=self.unhealthy
        )
        if len(steps) != self.steps:
            raise RuntimeError(f"The plan was to have {self.steps} steps and has {len(steps)}.")

    def bare(self, connection: psycopg.Connection[Any]) -> None:
        wanted = {f"agent-{row[0]}": row[1:] for row in connection.execute(BARE)}
        present = {one.name for one in self.present}
        if len(wanted.keys() - present) != AGENTS // 4 or len(present - wanted.keys()) != UNWANTED:
            raise RuntimeError("The bare comparison found other containers.")
