"""What a dialect must say for the server to carry its requests."""

from typing import Any, Protocol

from workers.exchange_simulator.calls import Answer, Call, Declined, Route
from workers.exchange_simulator.faults import Fault


class Dialect(Protocol):
    name: str

    def route(self, method: str, path: str) -> Route | None:
        """What serves this request; None for an unknown one."""

    def identify(self, call: Call) -> str:
        """Set ``call.account`` from its headers and return the symbol it is about, "" for none."""

    def admit(self, call: Call, route: Route, address: str, wall_ms: int) -> dict[str, str]:
        """Check quotas and signature; headers for the answer. Raises ``Declined``."""

    def wrap(self, value: Any) -> Answer:
        """The answer to a request that went well."""

    def unknown_route(self) -> Answer:
        """The answer to a request that the exchange does not know."""

    def fault_answer(self, fault: Fault) -> Answer:
        """What ``status`` and ``reject`` faults answer."""

    def malformed(self) -> Declined:
        """The refusal of a parameter that can't be read."""

    def duplicate(self) -> Declined:
        """The refusal of a client id in use."""
