"""Builds what research needs of others."""

from apps.agents.adapters.optuna_sampler import OptunaSampler
from apps.agents.ports import ParameterSampler


def parameter_sampler() -> ParameterSampler:
    """Who proposes what a search tries."""
    return OptunaSampler()
