"""What the agents' room needs of others: something that proposes what a search shall try next."""

from collections.abc import Sequence
from typing import Protocol

from apps.agents.domain.search.parameter_space import Dimension
from apps.agents.domain.search.trials import Trial


class ParameterSampler(Protocol):
    """Keeps nothing: the same space, trials and seed give the same proposal, so that a search can be cut off and goes
    on as if it had not been.
    """

    def propose(self, space: Sequence[Dimension], trials: Sequence[Trial], *, seed: int) -> dict[str, float]:
        """What to try after ``trials``."""
        ...
