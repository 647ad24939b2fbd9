"""Looks at the market, the agents' record and the host every 60 s, decides, keeps the decision and carries it out."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction

from apps.agents import operations as agents
from apps.agents import queries as agent_queries
from apps.agents.queries import FleetMember, Punctuality
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import HQError
from apps.foundation.time_text import utc_text
from apps.management.domain.autoscaling import (
    Action,
    AgentFacts,
    FleetInputs,
    Remembered,
    ScalingVerdict,
    decide_scaling,
)
from apps.management.domain.host_budget import Resources
from apps.management.domain.scale_plan import RUNNING, startable
from apps.management.domain.volatility_regime import USUAL_BARS, volatility_ratio
from apps.management.models import AutoscalerPolicy, ScalingDecision
from apps.management.operations.record_scaling import held_back, lock_scaling, record_scaling, resources_view
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.autoscaler_views import current_autoscaler_policy, remembered
from apps.market import queries as market
from apps.trading import queries as trading

ACTOR = ORIGIN = "autoscaler"
DRAINING = "draining"
CLOSEST_LOOKS = timedelta(seconds=5)
MEBIBYTE = 2**20


def autoscale(*, budget: Resources, moment: Moment) -> ScalingDecision | None:
    """Stop agents that have drained; then, where the autoscaler is on, one look and at most one act, as a row.

    None where it is off, or somebody else has just looked: two schedulers at once decide once.
    """
    agents.finish_draining(moment=moment)
    return _look(budget, moment)


@transaction.atomic
def _look(budget: Resources, moment: Moment) -> ScalingDecision | None:
    lock_scaling()
    policy = current_autoscaler_policy(moment)
    looks = ScalingDecision.objects.filter(policy_version__isnull=False)
    if not policy.enabled or looks.filter(at__gt=moment.wall - CLOSEST_LOOKS).exists():
        return None
    members = agent_queries.fleet_members()
    inputs = _inputs(members, policy, budget, moment)
    verdict = decide_scaling(inputs, policy.rules(), remembered(moment))
    verdict, plan = _carry_out(verdict, inputs, members, moment)
    decision = record_scaling(
        action=verdict.action,
        code=verdict.code,
        reason=verdict.reason,
        actor=ACTOR,
        inputs=_inputs_view(inputs),
        plan=plan,
        moment=moment,
        remembered=verdict.remembered,
        policy_version=policy.version,
    )
    if verdict.action != Action.NOTHING:
        _tell(verdict, plan, moment)
    return decision


def _inputs(members: Sequence[FleetMember], policy: AutoscalerPolicy, budget: Resources, moment: Moment) -> FleetInputs:
    since = moment.wall - timedelta(seconds=max(policy.cooldown_seconds, 300))
    rounds = agent_queries.punctuality(since=since)
    facts = {
        state: [_facts(one, rounds) for one in members if one.desired_state == state] for state in (RUNNING, DRAINING)
    }
    closes = market.closes_of(symbols=market.watched_symbols(), until=moment.firm, bars=USUAL_BARS)
    return FleetInputs(
        at=moment.wall,
        running=tuple(facts[RUNNING]),
        draining=tuple(facts[DRAINING]),
        volatility=volatility_ratio(closes),
        budget=budget,
        new_agent=Resources(*agent_queries.resources_of_a_new_agent()),
        held_back=held_back() or _not_trading(),
    )


def _not_trading() -> str:
    state = trading.trading_state().state
    return "" if state == "ACTIVE" else f"Trading is {state}; the fleet stays as it is until it is ACTIVE again."


def _facts(one: FleetMember, rounds: dict[Any, Punctuality]) -> AgentFacts:
    seen = rounds.get(one.id, Punctuality(0, 0))
    return AgentFacts(
        id=one.id,
        name=one.name,
        strategy=one.strategy,
        own=one.origin == ORIGIN,
        memory_bytes=one.memory_bytes,
        cpus=one.cpus,
        weight=one.weight,
        benched=one.benched,
        brier=one.brier,
        opinions=one.opinions,
        pnl_bps=one.pnl_bps,
        asked=seen.asked,
        missed=seen.missed,
    )


def _carry_out(
    verdict: ScalingVerdict, inputs: FleetInputs, members: Sequence[FleetMember], moment: Moment
) -> tuple[ScalingVerdict, dict[str, Any]]:
    """What was done. Where the agents' room refuses, nothing has changed and the decision says why."""
    try:
        with transaction.atomic():
            return verdict, _act(verdict, inputs, members, moment)
    except HQError as error:
        again = Remembered(hot=verdict.remembered.hot, acted_at=moment.wall)
        refused = f"{verdict.reason} It was refused: {error.message}"
        return ScalingVerdict(Action.NOTHING, "refused", refused, again), {}


def _act(
    verdict: ScalingVerdict, inputs: FleetInputs, members: Sequence[FleetMember], moment: Moment
) -> dict[str, Any]:
    agent = verdict.agent
    match verdict.action:
        case Action.DEPLOY:
            return _deploy(verdict, inputs, members, moment)
        case Action.DRAIN if agent is not None:
            done = agents.scale_agents(
                create=(), start={}, drain={agent.id: verdict.reason}, origin=ORIGIN, actor=ACTOR, moment=moment
            )
            return {"drained": agent.name, "agent_id": str(agent.id), "state": done.drained[agent.id]}
        case Action.MORE_RESOURCES if agent is not None and verdict.resources is not None:
            limits = {"memory": f"{verdict.resources.memory_bytes // MEBIBYTE}M", "cpu": verdict.resources.cpus}
            agents.configure_agent(agent_id=agent.id, changes={"resources": limits}, actor=ACTOR, moment=moment)
            return {"configured": agent.name, "agent_id": str(agent.id), "resources": limits}
        case Action.BENCH if agent is not None:
            agents.bench_agent(agent_id=agent.id, reason=verdict.reason, actor=ACTOR, moment=moment)
            return {"benched": agent.name, "agent_id": str(agent.id)}
    return {}


def _deploy(
    verdict: ScalingVerdict, inputs: FleetInputs, members: Sequence[FleetMember], moment: Moment
) -> dict[str, Any]:
    """Start again what it drained earlier and is no larger than a new agent; else create one."""
    own = [one for one in startable(members, verdict.strategy) if one.origin == ORIGIN]
    again = next((one for one in own if Resources(one.memory_bytes, one.cpus).fits(inputs.new_agent)), None)
    done = agents.scale_agents(
        create=() if again else (verdict.strategy,),
        start={again.id: verdict.reason} if again else {},
        drain={},
        origin=ORIGIN,
        actor=ACTOR,
        moment=moment,
    )
    if again:
        return {"started": again.name, "agent_id": str(again.id), "strategy": again.strategy}
    agent_id, name, strategy = done.created[0]
    return {"created": name, "agent_id": str(agent_id), "strategy": strategy}


def _tell(verdict: ScalingVerdict, plan: dict[str, Any], moment: Moment) -> None:
    tell_system_changed()
    audit.append(
        chain=audit.OPERATIONS,
        action=f"autoscaler.{verdict.action}",
        actor=ACTOR,
        subject="fleet",
        payload={"code": verdict.code, "reason": verdict.reason, **plan},
        moment=moment,
    )


def _inputs_view(inputs: FleetInputs) -> dict[str, Any]:
    return {
        "at": utc_text(inputs.at),
        "volatility": inputs.volatility,
        "budget": resources_view(inputs.budget),
        "used": resources_view(inputs.used),
        "running": len(inputs.running),
        "draining": len(inputs.draining),
        "held_back": inputs.held_back,
        "agents": [_agent_view(one) for one in (*inputs.running, *inputs.draining)],
    }


def _agent_view(one: AgentFacts) -> dict[str, Any]:
    names = ("name", "strategy", "own", "memory_bytes", "cpus", "weight", "benched", "brier", "opinions", "pnl_bps")
    return {"id": str(one.id), **{name: getattr(one, name) for name in (*names, "asked", "missed")}}
