"""The watermark of own trades: how far each instrument was read, with an overlap, and what of the overlap is known.

Trades may become visible late and out of order, so the last minute is always read again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.trading.adapters.ccxt_pages import Pages, time_ms

OVERLAP_MS = 60_000
QUIET_MS = 600_000  # an instrument without an order at work is asked for this long after; what is older counts as read
FIRST_LOOK_MS = 86_400_000  # how far back the first question about an instrument goes
_EVERY = "*"


@dataclass(slots=True)
class SymbolMark:
    """``read_until`` and ``at_work`` in the exchange's milliseconds; ``known``: trade ids of the overlap with times.

    ``doubtful``: ids that could not be read. They are tried again as long as the overlap lasts, and told of once.
    """

    read_until: int
    at_work: int
    known: dict[str, int] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)

    @property
    def since(self) -> int:
        return max(0, self.read_until - OVERLAP_MS)

    def learn(self, trade: Mapping[str, Any], *, now: int) -> None:
        """Remember a trade that was read. A time ahead of the exchange's clock moves nothing beyond that."""
        name, at = str(trade.get("id")), time_ms(trade)
        self.known[name] = at
        self.doubtful.pop(name, None)
        self.read_until = max(self.read_until, min(at, now))

    def doubt(self, trade: Mapping[str, Any]) -> bool:
        """Remember a trade that could not be read; whether this is the first time."""
        first = str(trade.get("id")) not in self.doubtful
        self.doubtful[str(trade.get("id"))] = max(time_ms(trade), self.since)
        return first

    def settle(self, now: int) -> None:
        """All is read: what is older than the quiet time need not be asked for again."""
        self.read_until = max(self.read_until, now - QUIET_MS)
        self.forget()

    def forget(self) -> None:
        self.known = {each: at for each, at in self.known.items() if at >= self.since}
        self.doubtful = {each: at for each, at in self.doubtful.items() if at >= self.since}


def marks_of(watermark: str, *, symbols: Sequence[str], now: int, by_symbol: bool) -> dict[str, SymbolMark]:
    """The marks of a stored watermark, with the instruments that have orders at work now."""
    stored = json.loads(watermark) if watermark else {}
    marks = {
        name: SymbolMark(each["t"], each["w"], dict(each["ids"]), dict(each.get("bad", {})))
        for name, each in stored.items()
    }
    for name in symbols if by_symbol else (_EVERY,):
        marks.setdefault(name, SymbolMark(now - FIRST_LOOK_MS, now)).at_work = now
    return marks


def to_ask(marks: Mapping[str, SymbolMark], *, now: int) -> list[str]:
    """The instruments that may have new trades."""
    return sorted(name for name, mark in marks.items() if mark.at_work >= now - QUIET_MS)


def stored(marks: Mapping[str, SymbolMark]) -> str:
    """The watermark to be kept."""
    return json.dumps(
        {
            name: {"t": mark.read_until, "w": mark.at_work, "ids": mark.known, "bad": mark.doubtful}
            for name, mark in marks.items()
        }
    )


def trades_since(pages: Pages, name: str, since: int) -> list[Mapping[str, Any]]:
    """All own trades from ``since`` on, oldest first, each once."""
    if name == _EVERY:
        found = pages.by_offset(lambda client, offset: client.fetch_my_trades(None, since, None, {"ofs": offset}))
    else:
        found = pages.by_time(
            "trades",
            lambda client, start, rows, given: client.fetch_my_trades(name, start, rows, given),
            since,
        )
    return sorted(found, key=_order_of_trades)


def _order_of_trades(trade: Mapping[str, Any]) -> tuple[int, int, str]:
    """By time; at the same time by id, which exchanges count up."""
    name = str(trade.get("id"))
    return time_ms(trade), len(name), name
