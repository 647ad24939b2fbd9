"""Faults that wait for their call: what goes wrong, on which calls, how often, how likely. Reproducible by seed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

QUERIES = frozenset({"fetch_order", "open_orders", "all_orders", "my_trades"})
MARKET_DATA = frozenset({"ticker", "candles", "book", "trades", "exchange_info", "time"})
PRIVATE = QUERIES | {"create", "cancel", "replace", "balance", "transfers", "account"}
GROUPS: dict[str, frozenset[str]] = {"query": QUERIES, "market": MARKET_DATA, "private": PRIVATE}
OPERATIONS = PRIVATE | MARKET_DATA | {"stream"}

# kind: the calls it acts on where nothing else is said, and what it does
KINDS: dict[str, tuple[str, str]] = {
    "outage": ("any", "the connection is reset before the request is looked at"),
    "blackhole": ("any", "the request is read, never processed and never answered"),
    "latency": ("any", "waits `seconds` before (or `when: after`) the work"),
    "reset": ("create", "processed (unless `executed: false`), then the connection is reset instead of an answer"),
    "timeout": ("create", "processed (unless `executed: false`), then never answered"),
    "fill_then_timeout": ("create", "filled at once whatever its price, then never answered"),
    "status": ("create", "answers HTTP `status` (503); `executed` says whether it was done"),
    "reject": ("create", "answers the error `code` with `message`; nothing is done"),
    "html": ("any", "processed, answered with 200 and a web page"),
    "nonsense": ("query", "processed, answered with `shape` of nonsense"),
    "lag": ("create", "accepted, but queries say not found for `seconds`"),
    "partial_fill": ("create", "`share` of it is filled at once"),
    "fill": ("create", "filled at once whatever its price, then answered"),
    "late_fill": ("cancel", "canceled, and filled all the same `seconds` later"),
    "duplicate_client_id": ("create", "answers that the client id exists; done before, unless `executed: false`"),
    "duplicate_event": ("stream", "an event is sent twice"),
    "reorder_events": ("stream", "an event is held back until after the next one"),
    "drop_event": ("stream", "an event is never sent"),
    "delay_event": ("stream", "an event is sent `seconds` later"),
}


class FaultRefused(ValueError):  # noqa: N818 - reads as what happened
    """The fault asked for is none; the message says what would be one."""


@dataclass(slots=True)
class Fault:
    """One armed fault. ``count`` is how often it still strikes (None: without end), ``skip`` how many matching calls
    pass first, ``until_ms`` when it ends by itself (wall milliseconds, 0: never).
    """

    id: int
    kind: str
    on: frozenset[str]
    count: int | None
    probability: float
    skip: int
    until_ms: int
    symbol: str
    account: str
    event: str
    options: dict[str, Any]
    draw: Random
    struck: int = 0
    seen: int = 0

    @property
    def seconds(self) -> float:
        return float(self.options.get("seconds", 5))

    def executed(self, default: bool = True) -> bool:
        return bool(self.options.get("executed", default))

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "on": sorted(self.on),
            "count": self.count,
            "probability": self.probability,
            "skip": self.skip,
            "until_ms": self.until_ms,
            "symbol": self.symbol,
            "account": self.account,
            "event": self.event,
            "options": self.options,
            "struck": self.struck,
            "seen": self.seen,
        }


@dataclass(slots=True)
class FaultBoard:
    """All armed faults. Each draws from its own stream of the seed, call by call, so other calls don't change it."""

    seed: int = 0
    last_id: int = 0
    armed: dict[int, Fault] = field(default_factory=dict)

    def arm(self, wish: dict[str, Any], now_ms: int) -> Fault:
        """Arm what the control request describes. Raises ``FaultRefused``."""
        rest = dict(wish)
        kind = str(rest.pop("kind", ""))
        if kind not in KINDS:
            raise FaultRefused(f"kind was {kind!r}; known are {', '.join(sorted(KINDS))}.")
        probability = float(rest.pop("probability", 1.0))
        if not 0 <= probability <= 1:
            raise FaultRefused(f"probability was {probability}; it lies between 0 and 1.")
        count = rest.pop("count", None if "probability" in wish or "for_seconds" in wish else 1)
        lasts = rest.pop("for_seconds", None)
        if kind in {"outage", "blackhole"} and "seconds" in rest and "count" not in wish:
            count, lasts = None, rest["seconds"] if lasts is None else lasts
        self.last_id += 1
        fault = Fault(
            id=self.last_id,
            kind=kind,
            on=operations(rest.pop("on", None) or KINDS[kind][0]),
            count=None if count is None else int(count),
            probability=probability,
            skip=int(rest.pop("skip", 0)),
            until_ms=0 if lasts is None else now_ms + int(float(lasts) * 1_000),
            symbol=str(rest.pop("symbol", "")),
            account=str(rest.pop("account", "")),
            event=str(rest.pop("event", "")),
            options=rest,
            draw=Random(f"{self.seed}|{self.last_id}"),  # noqa: S311 - drills, no secret
        )
        self.armed[fault.id] = fault
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Disarm one fault or all of them; how many were armed."""
        before = len(self.armed)
        if fault_id is None:
            self.armed.clear()
        else:
            self.armed.pop(fault_id, None)
        return before - len(self.armed)

    def reseed(self, seed: int) -> None:
        """Start every armed fault's draws anew; later faults draw from this seed, too."""
        self.seed = seed
        for fault in self.armed.values():
            fault.draw = Random(f"{seed}|{fault.id}")  # noqa: S311

    def strike(self, operation: str, *, symbol: str, account: str, now_ms: int, event: str = "") -> list[Fault]:
        """The faults that hit this call, in the order in which they were armed."""
        if not self.armed:
            return []
        return [
            fault
            for fault in list(self.armed.values())
            if _matches(fault, operation, symbol, account, event) and self._hits(fault, now_ms)
        ]

    def _hits(self, fault: Fault, now_ms: int) -> bool:
        if (fault.until_ms and now_ms >= fault.until_ms) or fault.count == 0:
            self.armed.pop(fault.id, None)
            return False
        fault.seen += 1
        if fault.seen <= fault.skip or (fault.probability < 1 and fault.draw.random() >= fault.probability):
            return False
        fault.struck += 1
        if fault.count is not None:
            fault.count -= 1
            if not fault.count:
                self.armed.pop(fault.id, None)
        return True


def operations(words: str | Iterable[str]) -> frozenset[str]:
    """The operations that names or groups stand for; ``any`` is all of them but the streams."""
    names = words.replace(",", "|").split("|") if isinstance(words, str) else list(words)
    found: set[str] = set()
    for name in (part.strip() for part in names):
        if name == "any":
            found |= OPERATIONS - {"stream"}
        elif name in GROUPS:
            found |= GROUPS[name]
        elif name in OPERATIONS:
            found.add(name)
        else:
            raise FaultRefused(
                f"on was {name!r}; known are any, {', '.join(sorted(GROUPS | dict.fromkeys(OPERATIONS)))}."
            )
    return frozenset(found)


def _matches(fault: Fault, operation: str, symbol: str, account: str, event: str) -> bool:
    return (
        operation in fault.on
        and (not fault.symbol or fault.symbol == symbol)
        and (not fault.account or fault.account == account)
        and (not fault.event or fault.event == event)
    )
