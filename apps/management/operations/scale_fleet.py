"""A person says how many agents there shall be, and of which strategies."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.agents import operations as agents
from apps.agents import queries as agent_queries
from apps.agents.domain.strategies.registry import UnknownStrategyError, strategy_class
from apps.agents.queries import FleetMember
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.management.domain.autoscaling import Action
from apps.management.domain.host_budget import Resources, room_for, used_by
from apps.management.domain.scale_plan import RUNNING, Planned, ScalePlan, plan_scale, shares
from apps.management.operations.record_scaling import held_back, lock_scaling, record_scaling, resources_view
from apps.management.operations.tell_screens import tell_system_changed

MOST_TARGET = 500
MOST_SHARES = 100
ORIGIN = "scaling"
DRAINING = "draining"
View = dict[str, Any]


def preview_scale(*, target_agents: int, strategy_distribution: Sequence[str], budget: Resources) -> View:
    """What ``scale_fleet`` would do now; nothing changes. Raises as it does."""
    plan, members = _plan(target_agents, strategy_distribution, budget)
    return _view(plan, members, strategy_distribution, budget)


@transaction.atomic
def scale_fleet(
    *,
    target_agents: int,
    strategy_distribution: Sequence[str],
    reason: str,
    budget: Resources,
    actor: str,
    moment: Moment,
) -> View:
    """Create, start and drain agents until ``target_agents`` run, spread over the strategies in the list's order; the
    plan with its reasons. Where they run already, nothing is done or recorded.

    Raises ``Refused`` naming the field, also where the host's budget does not allow it (``host_budget``), and
    ``Conflict`` where somebody else changed an agent meanwhile. Then nothing has changed.
    """
    lock_scaling()
    plan, members = _plan(target_agents, strategy_distribution, budget)
    view = _view(plan, members, strategy_distribution, budget)
    if plan.changes_nothing:
        return view
    done = agents.scale_agents(
        create=[creation.strategy for creation in plan.created],
        start={planned.agent.id: planned.reason for planned in plan.started},
        drain={planned.agent.id: planned.reason for planned in plan.drained},
        origin=ORIGIN,
        actor=actor,
        moment=moment,
    )
    for shown, (agent_id, name, _) in zip(view["created"], done.created, strict=True):
        shown.update(id=str(agent_id), name=name)
    for shown, planned in zip(view["drained"], plan.drained, strict=True):
        shown["state"] = done.drained[planned.agent.id]
    _record(view, reason, actor, moment)
    return view


def _plan(
    target: int, distribution: Sequence[str], budget: Resources
) -> tuple[ScalePlan[FleetMember], list[FleetMember]]:
    _check(target, distribution)
    members = agent_queries.fleet_members()
    plan = plan_scale(target, distribution, members)
    _check_budget(plan, target, budget)
    return plan, members


def _check(target: int, distribution: Sequence[str]) -> None:
    if not 1 <= target <= MOST_TARGET:
        raise Refused(
            f"target_agents was {target}; it must lie between 1 and {MOST_TARGET}."
            " To stop all agents, use trading/stop/.",
            code="out_of_range",
            field="target_agents",
        )
    if not 1 <= len(distribution) <= MOST_SHARES:
        raise Refused(
            f"strategy_distribution has {len(distribution)} entries; name 1 to {MOST_SHARES} strategies.",
            code="out_of_range",
            field="strategy_distribution",
        )
    for strategy in dict.fromkeys(distribution):
        try:
            strategy_class(strategy)
        except UnknownStrategyError as error:
            raise Refused(str(error), code="unknown_strategy", field="strategy_distribution") from None


def _check_budget(plan: ScalePlan[FleetMember], target: int, budget: Resources) -> None:
    """Shrinking is always allowed, also where the budget was lowered meanwhile."""
    after = _after(plan)
    if after.fits(budget) or not (plan.created or plan.started):
        return
    stay = used_by(planned.agent for planned in plan.kept)
    fit = len(plan.kept) + room_for(_new_agent(), stay, budget)
    raise Refused(
        f"{target} agents may use {after}; the host's budget is {budget}. Ask for at most {fit}, give the agents"
        " smaller limits, or raise HQ_FLEET_MEMORY or HQ_FLEET_CPUS.",
        code="host_budget",
        field="target_agents",
    )


def _after(plan: ScalePlan[FleetMember]) -> Resources:
    return used_by(planned.agent for planned in (*plan.kept, *plan.started)) + _new_agent() * len(plan.created)


def _new_agent() -> Resources:
    return Resources(*agent_queries.resources_of_a_new_agent())


def _view(
    plan: ScalePlan[FleetMember], members: Sequence[FleetMember], distribution: Sequence[str], budget: Resources
) -> View:
    running = [member for member in members if member.desired_state == RUNNING]
    target = len(plan.created) + len(plan.started) + len(plan.kept)
    return {
        "target_agents": target,
        "strategy_distribution": list(distribution),
        "running_before": len(running),
        "changes_nothing": plan.changes_nothing,
        "created": [{"id": None, "name": None, "strategy": one.strategy, "reason": one.reason} for one in plan.created],
        "started": [_planned(one) for one in plan.started],
        "kept": [_planned(one) for one in plan.kept],
        "drained": [{**_planned(one), "state": DRAINING} for one in plan.drained],
        "by_strategy": _by_strategy(plan, running, shares(target, distribution)),
        "budget": resources_view(budget),
        "used_after": resources_view(_after(plan)),
        "note": held_back(),
    }


def _planned(planned: Planned[FleetMember]) -> View:
    agent = planned.agent
    return {"id": str(agent.id), "name": agent.name, "strategy": agent.strategy, "reason": planned.reason}


def _by_strategy(plan: ScalePlan[FleetMember], running: Sequence[FleetMember], wanted: dict[str, int]) -> list[View]:
    before = [member.strategy for member in running]
    names = [*wanted, *sorted(set(before) - set(wanted))]
    return [
        {
            "strategy": name,
            "before": before.count(name),
            "after": wanted.get(name, 0),
            "created": sum(one.strategy == name for one in plan.created),
            "started": sum(one.agent.strategy == name for one in plan.started),
            "kept": sum(one.agent.strategy == name for one in plan.kept),
            "drained": sum(one.agent.strategy == name for one in plan.drained),
        }
        for name in names
    ]


def _record(view: View, reason: str, actor: str, moment: Moment) -> None:
    counts = {name: len(view[name]) for name in ("created", "started", "kept", "drained")}
    asked = {name: view[name] for name in ("target_agents", "strategy_distribution")}
    why = reason.strip() or f"{actor} asked for {view['target_agents']} agents."
    record_scaling(
        action=Action.SCALE,
        code="asked",
        reason=why,
        actor=actor,
        inputs={**asked, "running_before": view["running_before"], "budget": view["budget"]},
        plan={**counts, "by_strategy": view["by_strategy"], "used_after": view["used_after"]},
        moment=moment,
    )
    tell_system_changed()
    audit.append(
        chain=audit.OPERATIONS,
        action="fleet.scaled",
        actor=actor,
        subject="fleet",
        payload={**asked, **counts, "reason": why},
        moment=moment,
    )
