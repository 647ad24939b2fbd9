"""Lists that an exchange gives page by page, read to their end whatever the size and the order of its pages.

An exchange may give fewer rows than it was asked for. So a page is taken for whole only where it is smaller than the
largest one that the same list ever had; else it may have been cut, and the next one is asked for.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
Read = Callable[[Callable[[Any], Awaitable[Any]]], Any]
# One page: client, time in milliseconds from which on, rows that are asked for, further parameters of the library.
Ask = Callable[[Any, int, int | None, dict[str, Any]], Awaitable[list[Row]]]
MOST_PAGES = 200


@dataclass(slots=True)
class Pages:
    """The lists of one exchange. ``read`` asks one question with a time limit of its own.

    ``rows`` are asked for a page, None: as many as the exchange gives by itself. ``newest_first``: it may give the
    newest rows of a span, so that a cut page lacks older ones.
    """

    read: Read
    rows: int | None
    newest_first: bool = False
    _largest: dict[str, int] = field(default_factory=dict)

    def by_time(self, name: str, ask: Ask, since: int) -> list[Row]:
        """All rows from ``since`` on, each once. ``name``: of the list, whose pages are alike."""
        found: dict[str, Row] = {}
        first = self._up(name, ask, since, found)
        if self.newest_first and first:
            self._down(ask, since, first, found)
        return list(found.values())

    def by_offset(self, ask: Callable[[Any, int], Awaitable[list[Row]]]) -> list[Row]:
        """All rows of a list that is asked for by offset. New rows meanwhile only shift older ones into sight again."""
        found: dict[str, Row] = {}
        offset = 0
        for _ in range(MOST_PAGES):
            page = self.read(lambda client, offset=offset: ask(client, offset))  # type: ignore[misc]
            if not page:
                break
            found |= {str(row.get("id")): row for row in page}
            offset += len(page)
        return list(found.values())

    def _up(self, name: str, ask: Ask, since: int, found: dict[str, Row]) -> list[Row]:
        """Pages towards the newest row; the first one where it may have been cut."""
        first: list[Row] = []
        start = since
        for number in range(MOST_PAGES):
            page = self._page(ask, start, {})
            news = _take(page, found)
            if not news or not self._may_be_cut(name, page):
                break
            if number == 0:
                first = page
            newest = max(time_ms(row) for row in page)
            start = newest if newest > start else start + 1
        return first

    def _down(self, ask: Ask, since: int, first: list[Row], found: dict[str, Row]) -> None:
        """Pages between ``since`` and the oldest row of the first page."""
        oldest = min(time_ms(row) for row in first)
        for _ in range(MOST_PAGES):
            if oldest <= since:
                return
            page = self._page(ask, since, {"until": oldest})
            if not _take(page, found):
                return
            oldest = min(oldest - 1, *(time_ms(row) for row in page))

    def _page(self, ask: Ask, start: int, given: dict[str, Any]) -> list[Row]:
        page: list[Row] = list(self.read(lambda client: ask(client, start, self.rows, given)))
        return page

    def _may_be_cut(self, name: str, page: list[Row]) -> bool:
        largest = self._largest.get(name, 0)
        self._largest[name] = max(largest, len(page))
        return len(page) >= largest


def time_ms(row: Row) -> int:
    """The exchange's time of an order or a trade in milliseconds; 0 where it tells none."""
    stamp = row.get("timestamp")
    return stamp if isinstance(stamp, int) else 0


def _take(page: list[Row], found: dict[str, Row]) -> bool:
    """Keep the rows; whether there were new ones."""
    before = len(found)
    for row in page:
        found.setdefault(str(row.get("id")), row)
    return len(found) > before
