"""One request on its way through the simulator, and what answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from workers.exchange_simulator.engine.accounts import Account
from workers.exchange_simulator.engine.exchange import PLAIN, Handling
from workers.exchange_simulator.faults import Fault

ONE = Decimal(1)


@dataclass(slots=True)
class Call:
    """``params`` as the client sent them (query and body together), ``now_ms`` on the exchange's clock."""

    operation: str
    method: str
    path: str
    query: str
    body: str
    params: dict[str, str]
    headers: Mapping[str, str]
    now_ms: int
    account: Account | None = None
    struck: list[Fault] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # for the truth log

    @property
    def client(self) -> Account:
        """The account whose key signed; only signed routes ask."""
        assert self.account is not None
        return self.account

    def fault(self, *kinds: str) -> Fault | None:
        """The first fault of these kinds that struck this call."""
        return next((fault for fault in self.struck if fault.kind in kinds), None)

    def handling(self) -> Handling:
        """How the faults that struck bend a new order."""
        if not self.struck:
            return PLAIN
        lag = self.fault("lag")
        share = None
        if self.fault("fill", "fill_then_timeout"):
            share = ONE
        elif (partial := self.fault("partial_fill")) is not None:
            share = Decimal(str(partial.options.get("share", "0.5")))
        return Handling(fill_share=share, hidden_ms=int(lag.seconds * 1_000) if lag else 0)


@dataclass(slots=True)
class Answer:
    """Status, JSON-ready or raw body, headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Declined(Exception):  # noqa: N818 - reads as what happened
    """The exchange answers with an error of its dialect; nothing was done unless ``applied``."""

    def __init__(self, answer: Answer, *, note: str, applied: bool = False) -> None:
        self.answer, self.note, self.applied = answer, note, applied
        super().__init__(note)


@dataclass(frozen=True, slots=True)
class Route:
    """``security``: ``none``, ``key`` (the key alone) or ``signed``."""

    operation: str
    weight: int
    security: str
    work: Callable[[Call], Any]
    orders: int = 0  # how many new orders it counts as
