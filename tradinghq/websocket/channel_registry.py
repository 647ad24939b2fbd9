"""The stream's channels: who may listen, what a newcomer is shown first, and whether only the newest frame counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.agents import queries as agents
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound, Refused
from apps.foundation.permissions import Role
from apps.management import queries as management
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.trading import queries as trading

FIRST_ROWS = 100
Snapshot = Callable[[Moment], Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its full name, the role it needs, its snapshot (called in a thread), and whether it conflates."""

    name: str
    snapshot: Snapshot
    latest_wins: bool = False
    role: Role = Role.VIEWER


def find_channel(name: str) -> Channel:
    """The channel of that name, such as ``orders``, ``quotes:BTC/USDT`` or ``candles:BTC/USDT:5m``.

    Raises ``Refused`` ``unknown_channel`` when the name has no such form. Whether the instrument exists shows in the
    snapshot (``NotFound`` ``unknown_instrument``).
    """
    kind, *parts = name.split(":")
    if kind in _WHOLE and not parts:
        return Channel(name, *_WHOLE[kind])
    if kind == "quotes" and len(parts) == 1:
        return Channel(name, _quotes(parts[0]), latest_wins=True)
    if kind == "candles" and len(parts) == 2 and parts[1] in timeframes.SECONDS:  # noqa: PLR2004
        return Channel(name, _candles(*parts))
    known = ", ".join([*_WHOLE, "quotes:SYMBOL", "candles:SYMBOL:TIMEFRAME"])
    raise Refused(f"There is no channel {name[:80]!r}. Channels: {known}.", code="unknown_channel")


_WHOLE: dict[str, tuple[Snapshot, bool]] = {
    "portfolio": (trading.portfolio_view, True),
    "orders": (lambda _: trading.recent_orders(FIRST_ROWS), False),
    "agents": (lambda _: agents.agent_cards(), False),
    "decisions": (lambda _: agents.recent_decisions(FIRST_ROWS), False),
    "backtests": (lambda _: agents.recent_backtests(FIRST_ROWS), False),
    "searches": (lambda _: agents.recent_searches(FIRST_ROWS), False),
    "backfills": (lambda _: market.recent_backfills(FIRST_ROWS), False),
    "breaks": (lambda _: trading.recent_breaks(FIRST_ROWS), False),
    "system": (management.system_view, True),
}


def _quotes(symbol: str) -> Snapshot:
    def snapshot(moment: Moment) -> Any:
        _refuse_unknown(symbol)
        return market.quote_snapshot(symbol, moment)

    return snapshot


def _candles(symbol: str, timeframe: str) -> Snapshot:
    def snapshot(_: Moment) -> Any:
        _refuse_unknown(symbol)
        return market.candle_snapshot(symbol, timeframe)

    return snapshot


def _refuse_unknown(symbol: str) -> None:
    if symbol not in market.watched_symbols():
        raise NotFound(f"{symbol[:40]!r} is not on the watch list.", code="unknown_instrument")
