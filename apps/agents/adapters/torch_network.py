"""The network in torch, and a loaded model that judges windows. Imported only where something is judged or learned."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from apps.agents.domain.neural.labels import CLASSES
from apps.agents.domain.neural.model_facts import ModelFacts
from apps.agents.ports import StoredModel
from apps.foundation.errors import NotReady

# Windows in one pass at most: to call each of the layer's 48 steps takes as long as 100 windows in it do, and 1,024
# fall out of a core's cache. 512 gain nothing, and their memory is fetched anew for each pass.
TILE = 256


class GatedNetwork(nn.Module):
    """One gated recurrent layer over the window (Cho et al., 2014), its last state read as three scores."""

    def __init__(self, features: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("temperature", torch.ones(1))
        self.recurrent = nn.GRU(features, hidden, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, len(CLASSES))

    def forward(self, windows: Any) -> Any:
        """Scores ``[windows, 3]`` before the temperature, of windows ``[windows, bars, features]``."""
        _, last = self.recurrent((windows - self.mean) / self.scale)
        return self.head(self.drop(last[0]))

    def probabilities(self, windows: Any) -> Any:
        """Calibrated probabilities ``[windows, 3]``."""
        return torch.softmax(self(windows).double() / self.temperature.double(), dim=1)


class TorchForward:
    """A model on a device. Calls from one thread."""

    def __init__(self, model: StoredModel, device: str) -> None:
        torch.set_num_threads(1)  # cores that others use make a parallel region wait for its slowest part
        self.facts: ModelFacts = model.facts
        self.digest = model.digest
        self._device = torch_device(device)
        network = GatedNetwork(model.facts.features, model.facts.hidden)
        network.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in model.tensors.items()})
        self._network = network.to(self._device).eval()

    def __call__(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities ``[windows, 3]``, in tiles of one size: how a few windows are multiplied differs in the last
        digits from how many are, so that no small remainder may be left.
        """
        if not len(windows):
            return np.empty((0, len(CLASSES)))
        tiles = np.array_split(windows, -(-len(windows) // TILE))
        with torch.inference_mode():
            return np.concatenate([self._judged(tile) for tile in tiles])

    def _judged(self, tile: NDArray[np.float32]) -> NDArray[np.float64]:
        together = torch.from_numpy(np.require(tile, np.float32, ("C", "W"))).to(self._device)
        found: NDArray[np.float64] = self._network.probabilities(together).cpu().numpy()
        return found


def torch_device(name: str) -> Any:
    """``cpu0`` or ``cuda<n>`` as torch has it. Raises ``NotReady`` for a device that is not there."""
    if name == "cpu0":
        return torch.device("cpu")
    number = name.removeprefix("cuda")
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not number.isdecimal() or int(number) >= there:
        raise NotReady(f"The device {name} is not there; torch sees {there} CUDA devices.", code="device_away")
    return torch.device(f"cuda:{number}")
