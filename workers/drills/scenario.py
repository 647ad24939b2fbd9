"""What a drill is: one fault, what it must lead to, and the stage that it plays on."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Any, Protocol

import psycopg
import structlog

from apps.foundation.errors import HQError
from apps.foundation.identifiers import short_id

OPEN_STATES = ("PROPOSED", "APPROVED", "SUBMITTING", "UNKNOWN", "ACCEPTED", "PARTIALLY_FILLED", "PENDING_CANCEL")
PASSING = (OSError, HQError, psycopg.Error)
POLL_SECONDS = 0.2
log = structlog.get_logger(__name__)


class DrillFailed(AssertionError):  # noqa: N818 - reads as what happened
    """What had to hold did not; the message says what was found."""


class Firm(Protocol):
    """The firm that is drilled, and the exchange simulator that it trades at."""

    account: str

    def instruments(self) -> tuple[str, ...]:
        """Three that it trades at the simulator; where any will do a drill takes them from the front."""

    def make_room(self) -> None:
        """See to it that there is money to buy with, as far as this firm's positions may be sold for a drill."""

    def place(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Propose an order as a person does; its view."""

    def cancel(self, order_id: str) -> None: ...

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the firm's own database says."""

    def exchange(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to the simulator's control interface; raises ``OSError`` while it is away."""

    def kill(self, name: str) -> int:
        """SIGKILL to the program whose name starts so; the process id it had."""

    def running(self, name: str) -> int | None:
        """The process id of the program whose name starts so, once it runs."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``bounded``: part of every test run; ``safe``: may be played on a practice firm that somebody looks at."""

    code: str
    title: str
    shows: str
    run: Callable[["Stage"], None]
    bounded: bool = False
    safe: bool = False


class Stage:
    """What a scenario works with: the firm, a seed, the steps so far; every wait has a deadline and a name.

    ``full`` asks for the long durations. ``told`` is called with each step.
    """

    def __init__(
        self, firm: Firm, *, seed: int, full: bool = False, told: Callable[["Stage"], None] | None = None
    ) -> None:
        self.firm, self.seed, self.full = firm, seed, full
        self.random = Random(seed)  # noqa: S311 - drills, no secret
        self.steps: list[tuple[float, str]] = []
        self.began = time.monotonic()
        self.healed_at: float | None = None
        self._told = told or (lambda _: None)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The instruments of this drill, the one for orders where any will do first."""
        return self.firm.instruments()

    @property
    def symbol(self) -> str:
        return self.symbols[0]

    def step(self, text: str) -> None:
        """Say what was just done or seen."""
        self.steps.append((round(time.monotonic() - self.began, 2), text))
        log.info("drill_step", text=text)
        self._told(self)

    def check(self, holds: bool, otherwise: str) -> None:
        """Raise ``DrillFailed`` unless it holds."""
        if not holds:
            raise DrillFailed(otherwise)

    def wait(self, question: Callable[[], Any], seconds: float, what: str) -> Any:
        """Ask until the answer is truthy; a part that is away for the moment counts as not yet."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = question()
            except PASSING as error:
                last = error
            else:
                if last:
                    return last
            time.sleep(POLL_SECONDS)
        raise DrillFailed(f"Waited {seconds:.0f} s for {what}; the last answer was {last!r}.")

    def fault(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Arm a fault of the exchange."""
        answer: dict[str, Any] = self.firm.exchange("POST", "faults", {"kind": kind, **fields})
        words = ", ".join(f"{name} {value}" for name, value in fields.items())
        self.step(f"The exchange is told to fail: {kind}{f' ({words})' if words else ''}.")
        return answer

    def heal(self) -> None:
        """End all faults of the exchange; the recovery is measured from here on."""
        self.wait(lambda: self.firm.exchange("DELETE", "faults") is not None, 120, "the simulator to drop its faults")
        self.healed_at = self.healed_at or time.monotonic()

    def price(self, symbol: str | None = None) -> Decimal:
        return Decimal(self.firm.exchange("GET", "status")["prices"][symbol or self.symbol])

    def place(self, *, side: str = "buy", symbol: str | None = None, seconds: float = 90, **wish: Any) -> str:
        """Propose an order until the gate lets one pass; its id."""
        symbol = symbol or self.symbol
        body = {"account": self.firm.account, "instrument": symbol, "side": side, "reason": "drill", **wish}
        seen: dict[str, Any] = {}

        def passed() -> bool:
            seen.update(self.firm.place(body))
            return seen["state"] != "DENIED"

        try:
            self.wait(passed, seconds, "the gate to let an order pass")
        except DrillFailed as failed:
            raise DrillFailed(f"{failed} {seen.get('reject_detail', '')}") from failed
        self.step(f"Order {short_id(seen['id'])}: {side} {symbol}.")
        return str(seen["id"])

    def buy(self, notional: str = "15", **wish: Any) -> str:
        """A small market buy."""
        return self.place(notional=notional, **wish)

    def rest(self, notional: str = "15", symbol: str | None = None, below: str = "0.03", **wish: Any) -> str:
        """A limit buy that rests below the market."""
        price = (self.price(symbol) * (1 - Decimal(below))).quantize(Decimal("0.1"))
        return self.place(symbol=symbol, type="limit", limit_price=str(price), notional=notional, **wish)

    def state(self, order_id: str) -> str:
        return str(self.firm.rows("SELECT state FROM trading_order WHERE id = %s", order_id)[0][0])

    def client_id(self, order_id: str) -> str:
        return str(self.firm.rows("SELECT client_order_id FROM trading_order WHERE id = %s", order_id)[0][0])

    def reserved(self, order_id: str) -> Decimal:
        return Decimal(self.firm.rows("SELECT reserved_left FROM trading_order WHERE id = %s", order_id)[0][0])

    def history(self, order_id: str) -> list[str]:
        query = "SELECT to_state FROM trading_ordertransition WHERE order_id = %s ORDER BY id"
        return [row[0] for row in self.firm.rows(query, order_id)]

    def until(self, order_id: str, *states: str, seconds: float = 60) -> str:
        """Wait until the order is in one of these states; which."""
        self.wait(
            lambda: self.state(order_id) in states,
            seconds,
            f"order {short_id(order_id)} to become {' or '.join(states)}",
        )
        found = self.state(order_id)
        self.step(f"Order {short_id(order_id)} is {found}.")
        return found

    def creates(self, order_id: str) -> list[dict[str, Any]]:
        """The create requests for this order that reached the exchange."""
        wanted = self.client_id(order_id)
        lines = self.firm.exchange("GET", "truth?fact=request")
        return [x for x in lines if x["operation"] == "create" and x["params"].get("newClientOrderId") == wanted]

    def sent_once(self, order_id: str, times: int = 1) -> None:
        """Raise unless the exchange saw exactly so many creates of the order."""
        found = len(self.creates(order_id))
        self.check(
            found == times, f"The exchange received {found} creates of order {short_id(order_id)}, expected {times}."
        )

    def cancel(self, order_id: str, seconds: float = 60) -> None:
        """Cancel it and wait for its end."""
        self.firm.cancel(order_id)
        self.until(order_id, "CANCELED", "FILLED", seconds=seconds)

    def back(self, name: str, killed: int, seconds: float = 120) -> None:
        """Wait until the program runs again under another process id; the recovery counts from here, too."""
        self.healed_at = self.healed_at or time.monotonic()
        self.wait(lambda: self.firm.running(name) not in {None, killed}, seconds, f"{name} to come back")
        self.step(f"{name} runs again.")

    def incidents(self, kind: str = "") -> list[tuple[str, str, int]]:
        """Kind, subject and occurrences of all incidents so far."""
        rows = self.firm.rows("SELECT kind, subject, occurrences FROM management_incident ORDER BY opened_at")
        return [(k, s, n) for k, s, n in rows if not kind or k == kind]

    def trading_state(self) -> str:
        """ACTIVE, REDUCING or HALTED, of the drilled account."""
        query = "SELECT state FROM trading_statecause WHERE closed_wall IS NULL AND account IN ('', %s)"
        states = {row[0] for row in self.firm.rows(query, self.firm.account)}
        return "HALTED" if "HALTED" in states else "REDUCING" if states else "ACTIVE"
