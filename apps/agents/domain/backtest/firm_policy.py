"""How votes become targets in a run of the whole house."""

from dataclasses import dataclass, field

from apps.agents.domain.consensus import ConsensusRules
from apps.agents.domain.target_stance import StanceRules


@dataclass(frozen=True, slots=True)
class Policy:
    """How votes become targets, as the house's consensus policy has it."""

    consensus: ConsensusRules = field(default_factory=ConsensusRules)
    stance: StanceRules = field(default_factory=StanceRules)
    denied_pause_bars: int = 6
