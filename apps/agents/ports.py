"""What the agents' room needs of others, and the one place where the neural engine is put when a process starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.neural.labels import Labels
from apps.agents.domain.neural.model_facts import ModelFacts
from apps.agents.domain.search.parameter_space import Dimension
from apps.agents.domain.search.trials import Trial
from apps.agents.domain.strategies.contract import ForwardPass
from apps.foundation.errors import NotReady

Tensors = Mapping[str, NDArray[np.float32]]
EpochTold = Callable[[int, float, float], None]


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of features of many instruments, one behind the other, and the samples among them: a sample is the window
    that ends with row ``ends[i]``, of which ``labels[i]`` came.
    """

    rows: NDArray[np.float32]
    ends: NDArray[np.int64]
    labels: Labels


@dataclass(frozen=True, slots=True)
class FitSettings:
    """``epochs`` at most; learning stops once the validation loss has not fallen for ``patience`` epochs."""

    hidden: int = 32
    epochs: int = 12
    patience: int = 4
    batch: int = 512
    rate: float = 1e-3
    decay: float = 1e-2
    dropout: float = 0.2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """The tensors of the epoch with the lowest validation loss, and the temperature that calibrates them."""

    tensors: Tensors
    epochs: int
    validation_loss: float
    temperature: float


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's file, read and found sound."""

    digest: str
    facts: ModelFacts
    tensors: Tensors


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """Memory of a device in bytes, as far as it tells."""

    title: str
    memory_used: int | None
    memory_total: int | None


class ParameterSampler(Protocol):
    """Keeps nothing: the same space, trials and seed give the same proposal, so that a search can be cut off and goes
    on as if it had not been.
    """

    def propose(self, space: Sequence[Dimension], trials: Sequence[Trial], *, seed: int) -> dict[str, float]:
        """What to try after ``trials``."""
        ...


class NeuralEngine(Protocol):
    """All that knows weights and networks. Nothing is loaded until it is asked for."""

    def missing(self) -> str | None:
        """How to install what the engine needs; None where it is there."""
        ...

    def read(self, content: bytes, *, digest: str) -> StoredModel:
        """The model in a file's bytes. Raises ``ModelRefusedError``; needs no torch."""
        ...

    def write(self, tensors: Tensors, facts: ModelFacts) -> bytes:
        """The bytes of a model's file; needs no torch."""
        ...

    def load(self, model: StoredModel, *, device: str) -> ForwardPass:
        """The model ready to judge on ``device`` (``cpu0``, ``cuda0``). Raises ``NotReady`` without torch or device."""
        ...

    def fit(self, training: Samples, validation: Samples, settings: FitSettings, *, told: EpochTold) -> FittedNetwork:
        """Learn on ``training``, stop by ``validation``. The same arguments give the same tensors on one machine."""
        ...

    def devices(self) -> Sequence[str]:
        """The devices of this machine, CUDA's first; ``("cpu0",)`` where there is no other, empty without torch."""
        ...

    def use_of(self, device: str) -> DeviceUse:
        """What a device is and how much of its memory is taken."""
        ...

    def shipped(self) -> tuple[bytes, dict[str, object]]:
        """The file and the card of the model that comes with the package."""
        ...


_installed: list[NeuralEngine] = []


def install(engine: NeuralEngine) -> None:
    """Put the engine of this process in place."""
    _installed[:] = [engine]


def engine() -> NeuralEngine:
    """The installed one. Raises ``NotReady`` before the process has installed any."""
    if not _installed:
        raise NotReady("No neural engine is installed in this process.", code="no_neural_engine")
    return _installed[0]
