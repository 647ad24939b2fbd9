"""What containers use of memory and processors. The engine takes a second to say it, so it is asked side by side."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from docker.errors import NotFound

from apps.management.adapters.docker_engine import CONNECTIONS, DockerEngine, engine_errors
from apps.management.adapters.docker_facts import Use, usage_of

FRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    busy: int | None
    use: Use


class ContainerUses:
    """The last look at each container; looks again at those that are due."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine
        self._looks: dict[str, _Look] = {}

    def look_at(self, handles: Sequence[str]) -> None:
        """Bring these up to date and forget all others. Raises ``NotReady`` when the engine does not answer."""
        now = time.monotonic()
        due = [
            handle for handle in handles if handle not in self._looks or now - self._looks[handle].at > FRESH_SECONDS
        ]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            looks = dict(zip(due, pool.map(self._look, due), strict=True))
        self._looks = {handle: looks.get(handle) or self._looks[handle] for handle in handles}

    def of(self, handle: str) -> Use:
        """As last seen; nothing is known of one that does not run."""
        look = self._looks.get(handle)
        return look.use if look else Use()

    def _look(self, handle: str) -> _Look:
        with engine_errors():
            try:
                stats = self._engine.api.stats(handle, stream=False, one_shot=True)
            except NotFound:
                stats = {}  # it was removed as we looked
        memory, busy = usage_of(stats)
        at, before = time.monotonic(), self._looks.get(handle)
        cpu = None
        if before is not None and before.busy is not None and busy is not None and busy >= before.busy:
            cpu = round((busy - before.busy) / 1e9 / (at - before.at) * 100, 1)
        return _Look(at, busy, Use(memory, cpu))
