"""What the fleet needs of a container runtime. The same questions for processes, an engine or a cluster of engines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a container is made of. ``digest`` names all of it; ``limits`` as asked, enforced or not.

    ``arguments`` are Python's: the runtime knows which Python. ``secrets`` reach the program by name as the environment
    does, but as a file (``NAME_FILE``) wherever somebody else could read a container's environment.
    """

    name: str
    subject_id: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    digest: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """A container of ours as the runtime sees it now. ``exit_code`` of its last end: negative is a signal."""

    name: str
    digest: str
    running: bool
    handle: str
    started_at: datetime | None
    exit_code: int | None
    detail: str
    memory_bytes: int | None
    cpu_percent: float | None
    out_of_memory: bool = False


class Runtime(Protocol):
    """Starts, watches and stops our containers; never touches others. Raises ``NotReady`` when it does not answer."""

    name: str
    enforces_limits: bool
    at_once: int  # how many containers it may start or stop side by side
    image: str  # what containers are made from, part of their digest; empty for processes

    def observe(self) -> Sequence[ObservedContainer]:
        """All containers of ours."""
        ...

    def start(self, spec: ContainerSpec) -> None:
        """Create and start it, or start it again when it exists and ended. Raises ``Refused`` for one that can't be."""
        ...

    def stop(self, name: str) -> None:
        """Ask it to end, end it by force where it does not, and remove it; nothing happens when there is none."""
        ...

    def log_tail(self, name: str, *, size: int) -> str:
        """The last ``size`` bytes of its output; empty when there is none."""
        ...


class OnDemandPrograms(Protocol):
    """Workers that run on demand under this machine's supervisor. Raises ``NotReady`` while it is silent."""

    def running(self) -> Mapping[str, bool]:
        """Every program by name, and whether it runs or starts; none where no supervisor looks after this house."""
        ...

    def start(self, name: str) -> None:
        """Start it, without waiting, unless it runs."""
        ...

    def stop(self, name: str) -> None:
        """Let it finish what it has and wait for its end."""
        ...


class EndWatch(Protocol):
    """A runtime that does not start anew what ended, and tells of it at once."""

    def wait_for_end(self, *, seconds: float) -> bool:
        """Whether a container of ours ended within ``seconds``."""
        ...


@dataclass(frozen=True, slots=True)
class BridgeEntry:
    """A signed envelope as it lies in a stream of the bridge; ``id`` names its place there."""

    id: str
    text: str
    signature: str


@dataclass(frozen=True, slots=True)
class BridgeRoute:
    """One stream: from whom to whom, and its lane: ``post`` keeps all in order, ``beats`` only the newest."""

    sender: str
    recipient: str
    lane: str


class BridgeLine(Protocol):
    """Carries signed envelopes. It is believed in nothing. Each call raises ``NotReady`` while it is away."""

    def put(self, route: BridgeRoute, *, text: str, signature: str) -> str:
        """Append an envelope; its place."""
        ...

    def read(self, route: BridgeRoute, *, limit: int) -> Sequence[BridgeEntry]:
        """The oldest entries."""
        ...

    def remove(self, route: BridgeRoute, entries: Sequence[str]) -> None:
        """Forget these entries; unknown ones are no matter."""
        ...

    def holds(self, route: BridgeRoute, entry: str) -> bool:
        """Whether this entry still lies there."""
        ...

    def senders_to(self, recipient: str) -> frozenset[str]:
        """The names under which something lies there for ``recipient``, known or not."""
        ...
