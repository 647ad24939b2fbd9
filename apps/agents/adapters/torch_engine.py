"""The neural engine on torch. Asking whether torch is there does not load it; nothing else of the house ever does."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from apps.agents.adapters.weights_file import read_weights, write_weights
from apps.agents.domain.neural.model_facts import ModelFacts
from apps.agents.domain.strategies.contract import ForwardPass
from apps.agents.ports import DeviceUse, EpochTold, FitSettings, FittedNetwork, Samples, StoredModel, Tensors
from apps.foundation.errors import NotReady

INSTALL = (
    "torch is not installed, so no network can judge. Install it with: make run NEURAL=1 "
    "(or pip install -c constraints.txt -e '.[neural]'); with compose, start the profile neural."
)
SHIPPED = Path(__file__).with_name("pretrained") / "candles-5m"
NVIDIA = Path("/dev/nvidiactl")  # where NVIDIA's driver is loaded
COUNT_CUDA = "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)"
COUNT_SECONDS = 60
CPU = "cpu0"


class TorchEngine:
    """See ``ports.NeuralEngine``."""

    def missing(self) -> str | None:
        return None if importlib.util.find_spec("torch") else INSTALL

    def read(self, content: bytes, *, digest: str) -> StoredModel:
        return read_weights(content, digest=digest)

    def write(self, tensors: Tensors, facts: ModelFacts) -> bytes:
        return write_weights(tensors, facts)

    def load(self, model: StoredModel, *, device: str) -> ForwardPass:
        self._check_there()
        from apps.agents.adapters.torch_network import TorchForward

        return TorchForward(model, device)

    def fit(self, training: Samples, validation: Samples, settings: FitSettings, *, told: EpochTold) -> FittedNetwork:
        self._check_there()
        from apps.agents.adapters.torch_training import fit

        return fit(training, validation, settings, told=told)

    def devices(self) -> Sequence[str]:
        """A process of its own counts CUDA devices, and only where the driver is: torch stays out of this one."""
        if self.missing():
            return ()
        if not NVIDIA.exists():
            return (CPU,)
        counted = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", COUNT_CUDA], capture_output=True, text=True, timeout=COUNT_SECONDS, check=False
        )
        number = int(counted.stdout) if counted.returncode == 0 else 0
        return tuple(f"cuda{index}" for index in range(number)) or (CPU,)

    def use_of(self, device: str) -> DeviceUse:
        self._check_there()
        import torch

        from apps.agents.adapters.torch_network import torch_device

        if device == CPU:
            return DeviceUse("CPU, one thread", None, None)
        free, total = torch.cuda.mem_get_info(torch_device(device))
        return DeviceUse(torch.cuda.get_device_name(torch_device(device)), total - free, total)

    def shipped(self) -> tuple[bytes, dict[str, object]]:
        card: dict[str, object] = json.loads(SHIPPED.with_suffix(".json").read_text())
        return SHIPPED.with_suffix(".safetensors").read_bytes(), card

    def _check_there(self) -> None:
        missing = self.missing()
        if missing:
            raise NotReady(missing, code="torch_missing")
