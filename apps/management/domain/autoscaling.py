"""When the fleet grows, shrinks, gets more resources or benches an agent: a table of rules, the first that wants
something is heard. Pure; wall clock.

What a rule wants is done only once it has wanted the same for ``hold_seconds`` without a break and ``cooldown_seconds``
have passed since the fleet was last scaled. The volatility has two thresholds, so that it does not flutter around one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from apps.management.domain.host_budget import Resources, room_for, used_by

LEAST_ASKED = 6  # rounds before anybody's punctuality is judged
LEAST_OPINIONS = 100  # as on the scoreboard
BOUNDS: dict[str, tuple[float, float]] = {
    "least_agents": (0, 500),
    "most_agents": (1, 500),
    "hot_above": (1.0, 100.0),
    "cool_under": (0.1, 100.0),
    "late_above": (0.01, 1.0),
    "weak_brier": (0.27, 1.0),  # the scoreboard lets an agent return at 0.27
    "most_memory_bytes": (2**26, 2**36),
    "most_cpus": (0.05, 64.0),
    "hold_seconds": (0, 86_400),
    "cooldown_seconds": (60, 86_400),
}


class Action(StrEnum):
    """What a look at the fleet leads to; ``scale`` is a person's request, which shares the record and the cool-down."""

    DEPLOY = "deploy"
    MORE_RESOURCES = "more_resources"
    BENCH = "bench"
    DRAIN = "drain"
    NOTHING = "nothing"
    SCALE = "scale"


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """The policy in numbers. Raises ``ValueError`` for what can't be, beginning with the field's name."""

    strategies: tuple[str, ...] = ("momentum", "mean_reversion", "breakout")
    least_agents: int = 1
    most_agents: int = 12
    hot_above: float = 1.5
    cool_under: float = 1.2
    late_above: float = 0.2
    weak_brier: float = 0.28
    most_memory_bytes: int = 2**30
    most_cpus: float = 2.0
    hold_seconds: int = 120
    cooldown_seconds: int = 600

    def __post_init__(self) -> None:
        if not self.strategies:
            raise ValueError("strategies is empty; name at least one that may be deployed.")
        for name, (lowest, highest) in BOUNDS.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name} was {value}; it must lie between {lowest:g} and {highest:g}.")
        if self.least_agents > self.most_agents:
            raise ValueError(f"least_agents was {self.least_agents}, above most_agents, which is {self.most_agents}.")
        if self.cool_under > self.hot_above:
            raise ValueError(f"cool_under was {self.cool_under}, above hot_above, which is {self.hot_above}.")


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One running or draining agent. ``own``: the autoscaler deployed it, so it may drain it again."""

    id: UUID
    name: str
    strategy: str
    own: bool
    memory_bytes: int
    cpus: float
    weight: float
    benched: bool
    brier: float | None
    opinions: int
    pnl_bps: float
    asked: int
    missed: int

    @property
    def late_share(self) -> float:
        """The share of its rounds in which its vote did not come in time."""
        return self.missed / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class FleetInputs:
    """What a decision is made from. ``held_back``: why the fleet must not be touched now, else empty.

    ``volatility``: of the watched instruments, recent against usual; None where there is no history to tell from.
    """

    at: datetime
    running: tuple[AgentFacts, ...]
    draining: tuple[AgentFacts, ...]
    volatility: float | None
    budget: Resources
    new_agent: Resources
    held_back: str = ""

    @property
    def used(self) -> Resources:
        """What running and draining agents may use by their limits."""
        return used_by((*self.running, *self.draining))


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one look hands to the next: the regime, what was wanted since when, and when the fleet was last scaled."""

    hot: bool = False
    wish: str = ""
    wish_since: datetime | None = None
    acted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rule wants. ``blocked``: why it can't be had, in a sentence; then nothing is done."""

    action: Action
    code: str
    reason: str
    agent: AgentFacts | None = None
    strategy: str = ""
    resources: Resources | None = None
    blocked: str = ""

    @property
    def name(self) -> str:
        """The wish without its changing numbers: what must be wanted without a break."""
        return f"{self.action}:{self.code}:{self.agent.id if self.agent else self.strategy}"


@dataclass(frozen=True, slots=True)
class ScalingVerdict:
    """The decision, a sentence why, and what the next look must remember."""

    action: Action
    code: str
    reason: str
    remembered: Remembered
    agent: AgentFacts | None = None
    strategy: str = ""
    resources: Resources | None = field(default=None)


Rule = Callable[[FleetInputs, ScalingRules, bool], Wish | None]


def decide_scaling(inputs: FleetInputs, rules: ScalingRules, before: Remembered) -> ScalingVerdict:
    """What to do now. Never more than one act, never above the budget, never within the cool-down."""
    hot = is_hot(inputs.volatility, rules, was_hot=before.hot)
    if inputs.held_back:
        return _nothing("held_back", inputs.held_back, replace(before, hot=hot, wish="", wish_since=None))
    if inputs.draining:
        names = ", ".join(agent.name for agent in inputs.draining)
        reason = f"{names} still drains; the fleet is looked at again when that is done."
        return _nothing("draining", reason, replace(before, hot=hot, wish="", wish_since=None))
    wish = next((found for rule in TABLE if (found := rule(inputs, rules, hot)) is not None), None)
    if wish is None:
        reason = f"{_regime(inputs, hot=hot)}; every agent is on time and none votes badly."
        return _nothing("in_bounds", reason, replace(before, hot=hot, wish="", wish_since=None))
    since = before.wish_since if before.wish == wish.name and before.wish_since else inputs.at
    remembered = Remembered(hot, wish.name, since, before.acted_at)
    waits = wish.blocked or _waits(inputs.at, since, rules, before)
    if waits:
        code = f"{wish.code}_blocked" if wish.blocked else f"{wish.code}_waits"
        return _nothing(code, f"{wish.reason} {waits}", remembered)
    acted = Remembered(hot, "", None, inputs.at)
    return ScalingVerdict(wish.action, wish.code, wish.reason, acted, wish.agent, wish.strategy, wish.resources)


def is_hot(volatility: float | None, rules: ScalingRules, *, was_hot: bool) -> bool:
    """Whether the market is to be called volatile; unknown leaves it as it was."""
    if volatility is None:
        return was_hot
    return volatility >= (rules.cool_under if was_hot else rules.hot_above)


def _waits(at: datetime, since: datetime, rules: ScalingRules, before: Remembered) -> str:
    held = at - since
    if held < timedelta(seconds=rules.hold_seconds):
        return f"That has held for {held.total_seconds():.0f} s; it counts after {rules.hold_seconds} s."
    if before.acted_at is not None and at - before.acted_at < timedelta(seconds=rules.cooldown_seconds):
        left = timedelta(seconds=rules.cooldown_seconds) - (at - before.acted_at)
        return f"The fleet was scaled a short while ago; it cools down for another {left.total_seconds():.0f} s."
    return ""


def _nothing(code: str, reason: str, remembered: Remembered) -> ScalingVerdict:
    return ScalingVerdict(Action.NOTHING, code, reason, remembered)


def _over_budget(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:  # noqa: ARG001
    if inputs.used.fits(inputs.budget):
        return None
    reason = f"The agents may use {inputs.used}, more than the host's budget of {inputs.budget}."
    return _drain("over_budget", reason, inputs, "Those that run were started by people; stop some, or raise it.")


def _too_few(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:  # noqa: ARG001
    there = len(inputs.running)
    if there >= rules.least_agents:
        return None
    return _deploy("too_few", f"{_agents(there)} run; there shall be at least {rules.least_agents}.", inputs, rules)


def _late(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:  # noqa: ARG001
    """The most unpunctual agent that votes at all; one that never does is a matter of its health."""
    late = [
        agent
        for agent in inputs.running
        if agent.asked >= LEAST_ASKED and agent.missed < agent.asked and agent.late_share > rules.late_above
    ]
    if not late:
        return None
    agent = max(late, key=lambda one: (one.late_share, one.name))
    given = Resources(agent.memory_bytes, agent.cpus)
    more = Resources(
        max(agent.memory_bytes, min(2 * agent.memory_bytes, rules.most_memory_bytes)),
        max(agent.cpus, min(2 * agent.cpus, rules.most_cpus)),
    )
    reason = f"{agent.name} missed {agent.missed} of {agent.asked} deadlines with {given}."
    wish = Wish(Action.MORE_RESOURCES, "late", reason, agent, resources=more)
    if more == given:
        return replace(wish, blocked="It has all that one agent may get; ask it about fewer instruments.")
    grown = Resources(inputs.used.memory_bytes - given.memory_bytes, inputs.used.cpus - given.cpus) + more
    return wish if grown.fits(inputs.budget) else replace(wish, blocked=f"Twice that is beyond {_budget(inputs)}.")


def _weak(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:  # noqa: ARG001
    heard = [agent for agent in inputs.running if not agent.benched]
    weak = [
        (agent.brier, agent.name, agent)
        for agent in heard
        if agent.brier is not None
        and agent.opinions >= LEAST_OPINIONS
        and agent.brier > rules.weak_brier
        and agent.pnl_bps < 0.0
    ]
    if not weak:
        return None
    brier, name, agent = max(weak, key=lambda one: one[:2])
    record = f"its Brier score is {brier:.3f} over {agent.opinions} votes and it lost {-agent.pnl_bps:.0f} bps"
    wish = Wish(Action.BENCH, "weak", f"{name} votes worse than a coin: {record}.", agent)
    if len(heard) - 1 < max(1, rules.least_agents):
        return replace(wish, blocked=f"Without it fewer than {max(1, rules.least_agents)} would be heard.")
    return wish


def _volatile(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:
    if not hot or inputs.volatility is None:
        return None
    wish = _deploy("volatile", f"{_regime(inputs, hot=hot)}: more analysis is wanted.", inputs, rules)
    if len(inputs.running) >= rules.most_agents:
        return replace(wish, blocked=f"{_agents(len(inputs.running))} run; there may be {rules.most_agents}.")
    return wish


def _calm(inputs: FleetInputs, rules: ScalingRules, hot: bool) -> Wish | None:
    own = any(agent.own for agent in inputs.running)
    if hot or inputs.volatility is None or not own or len(inputs.running) <= rules.least_agents:
        return None
    return _drain("calm", f"{_regime(inputs, hot=hot)}: one agent fewer will do.", inputs, "")


TABLE: tuple[Rule, ...] = (_over_budget, _too_few, _late, _weak, _volatile, _calm)


def _deploy(code: str, reason: str, inputs: FleetInputs, rules: ScalingRules) -> Wish:
    wish = Wish(Action.DEPLOY, code, reason, strategy=_next_strategy(inputs.running, rules.strategies))
    if room_for(inputs.new_agent, inputs.used, inputs.budget) < 1:
        return replace(wish, blocked=f"Another agent takes {inputs.new_agent}, which is beyond {_budget(inputs)}.")
    return wish


def _drain(code: str, reason: str, inputs: FleetInputs, otherwise: str) -> Wish:
    """The worst of the agents that the autoscaler deployed; what people started is theirs to stop."""
    own = [agent for agent in inputs.running if agent.own]
    if not own:
        return Wish(Action.DRAIN, code, reason, blocked=otherwise)
    return Wish(Action.DRAIN, code, reason, min(own, key=lambda one: (not one.benched, one.weight, one.name)))


def _next_strategy(running: Sequence[AgentFacts], strategies: Sequence[str]) -> str:
    """The strategy that is run least; of equals the one with the better record, then the one named first."""

    def rank(strategy: str) -> tuple[int, float, int]:
        weights = [agent.weight for agent in running if agent.strategy == strategy]
        mean = sum(weights) / len(weights) if weights else 1.0
        return len(weights), -mean, strategies.index(strategy)

    return min(strategies, key=rank)


def _regime(inputs: FleetInputs, *, hot: bool) -> str:
    if inputs.volatility is None:
        return "There is too little history to tell the volatility"
    return f"Volatility is {inputs.volatility:.2f} times the usual, which counts as {'volatile' if hot else 'calm'}"


def _budget(inputs: FleetInputs) -> str:
    return f"the host's budget of {inputs.budget}, of which {inputs.used} are taken"


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"
