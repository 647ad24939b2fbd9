"""Whether trading goes on without seeing: something held has no fresh price, or nothing watched has. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.market.domain.mark_price import Mark


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at one moment: the marks of everything held and watched, and which is which."""

    marks: Mapping[str, Mark]
    held: frozenset[str]
    watched: frozenset[str]


@dataclass(frozen=True, slots=True)
class StaleData:
    """``bad`` restricts trading, ``well`` lets the restriction end; in between it stays as it is."""

    bad: bool
    well: bool
    reason: str
    stale: frozenset[str]


def stale_data(sight: Sight) -> StaleData:
    """Bad: something held has no fresh price, or nothing watched has. Well: all held and half of the watched do."""
    held, watched = sight.held, sight.watched
    stale = frozenset(symbol for symbol, mark in sight.marks.items() if mark.stale or mark.price is None)
    dark = sorted(held & stale)
    bad = bool(dark) or (bool(watched) and watched <= stale)
    words = f"No fresh price of {', '.join(dark)}, which is held." if dark else "No instrument has a fresh price."
    return StaleData(
        bad=bad,
        well=not dark and len(watched & stale) * 2 <= len(watched),
        reason=words if bad else "Prices are fresh again.",
        stale=stale,
    )
