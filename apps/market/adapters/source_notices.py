"""Where the sources of this process leave what they found wrong until an operation stores it."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from apps.market.domain.stock_rows import RowNotice
from apps.market.ports import SourceNotice

_LARGEST = 1_000
_told: deque[SourceNotice] = deque(maxlen=_LARGEST)  # appended and taken by several threads, each step at once
_known: dict[tuple[str, str, str, datetime, str], None] = {}


def tell(symbol: str, source: str, timeframe: str, notices: Sequence[RowNotice]) -> None:
    """Leave these; what was left before is not left again."""
    for notice in notices:
        key = (symbol, source, timeframe, notice.open_at, notice.kind)
        if key not in _known:
            if len(_known) >= 20 * _LARGEST:
                _known.clear()
            _known[key] = None
            _told.append(SourceNotice(symbol, source, timeframe, notice))


def take() -> list[SourceNotice]:
    """All that was left since the last call."""
    found = []
    while _told:
        found.append(_told.popleft())
    return found
