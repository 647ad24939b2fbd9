"""Builds what the agents' room needs of others; nothing is loaded until it is asked for."""

from apps.agents import ports
from apps.agents.adapters.optuna_sampler import OptunaSampler
from apps.agents.adapters.torch_engine import TorchEngine
from apps.agents.ports import ParameterSampler


def install() -> None:
    """The neural engine of this process."""
    ports.install(TorchEngine())


def parameter_sampler() -> ParameterSampler:
    """Who proposes what a search tries."""
    return OptunaSampler()
