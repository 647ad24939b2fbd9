"""The watermark of own trades: how far each instrument was read, with an overlap, and what of the overlap is known.

Trades may become visible late and out of order, so the last minute is always read again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OVERLAP_MS = 60_000
QUIET_MS = 600_000  # an instrument without an order at work is asked for this long after; what is older counts as read
FIRST_LOOK_MS = 86_400_000  # how far back the first question about an instrument goes
PAGE = 500
_EVERY = "*"
_MOST_PAGES = 200


@dataclass(slots=True)
class SymbolMark:
    """``read_until`` and ``at_work`` in the exchange's milliseconds; ``known``: trade ids of the overlap with times."""

    read_until: int
    at_work: int
    known: dict[str, int] = field(default_factory=dict)

    @property
    def since(self) -> int:
        return max(0, self.read_until - OVERLAP_MS)

    def learn(self, trades: Iterable[Mapping[str, Any]]) -> None:
        """Remember trades as told."""
        for trade in trades:
            at = int(trade.get("timestamp") or 0)
            self.known[str(trade.get("id"))] = at
            self.read_until = max(self.read_until, at)

    def settle(self, now: int) -> None:
        """All is read: what is older than the quiet time need not be asked for again."""
        self.read_until = max(self.read_until, now - QUIET_MS)
        self.forget()

    def forget(self) -> None:
        self.known = {each: at for each, at in self.known.items() if at >= self.since}


def marks_of(watermark: str, *, symbols: Sequence[str], now: int, by_symbol: bool) -> dict[str, SymbolMark]:
    """The marks of a stored watermark, with the instruments that have orders at work now."""
    stored = json.loads(watermark) if watermark else {}
    marks = {name: SymbolMark(each["t"], each["w"], dict(each["ids"])) for name, each in stored.items()}
    for name in symbols if by_symbol else (_EVERY,):
        marks.setdefault(name, SymbolMark(now - FIRST_LOOK_MS, now)).at_work = now
    return marks


def to_ask(marks: Mapping[str, SymbolMark], *, now: int) -> list[str]:
    """The instruments that may have new trades."""
    return sorted(name for name, mark in marks.items() if mark.at_work >= now - QUIET_MS)


def stored(marks: Mapping[str, SymbolMark]) -> str:
    """The watermark to be kept."""
    return json.dumps(
        {name: {"t": mark.read_until, "w": mark.at_work, "ids": mark.known} for name, mark in marks.items()}
    )


async def trades_since(client: Any, name: str, since: int) -> list[Mapping[str, Any]]:
    """All own trades from ``since`` on, oldest first, each once."""
    found = await (_newest_first(client, since) if name == _EVERY else _oldest_first(client, name, since))
    return sorted(found.values(), key=lambda trade: (int(trade.get("timestamp") or 0), str(trade.get("id"))))


async def _oldest_first(client: Any, symbol: str, since: int) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for _ in range(_MOST_PAGES):
        page = await client.fetch_my_trades(symbol, since, PAGE)
        fresh = {str(trade.get("id")): trade for trade in page if str(trade.get("id")) not in found}
        found |= fresh
        if len(page) < PAGE:
            break
        newest = max(int(trade.get("timestamp") or 0) for trade in page)
        since = newest if newest > since else since + 1
    return found


async def _newest_first(client: Any, since: int) -> dict[str, Mapping[str, Any]]:
    """By offset. New trades meanwhile only shift older ones to where they are read twice."""
    found: dict[str, Mapping[str, Any]] = {}
    offset = 0
    for _ in range(_MOST_PAGES):
        page = await client.fetch_my_trades(None, since, None, {"ofs": offset})
        if not page:
            break
        found |= {str(trade.get("id")): trade for trade in page}
        offset += len(page)
    return found
