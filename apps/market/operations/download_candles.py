"""Fetching a span of candles from a provider into a file, page by page; a second call goes on where the first broke
off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused, RetryableFailure
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.ports import CandleStore, MarketDataProvider

PAGE = 300  # candles; every exchange gives that many at once
TRIES = 6  # of one page, up to 30 s apart


@dataclass(frozen=True, slots=True)
class Wish:
    """The span to fetch: from ``start`` up to the last bar that closed by ``end``."""

    symbol: str
    timeframe: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: the share of the span in [0, 1] and the candles stored by this call."""

    share: float
    stored: int


def download_candles(
    *, provider: MarketDataProvider, into: CandleStore, wish: Wish, moment: Moment
) -> Iterator[Progress]:
    """Fetch what the file lacks of the span, giving the progress after each page.

    ``Refused`` (code ``file_starts_later``) when the file begins after the wished start: rows are only ever added at
    its end.
    ``RetryableFailure`` when a page fails six times; what was fetched is kept.
    """
    length = timeframes.span(wish.timeframe)
    first = timeframes.floor_time(wish.start, wish.timeframe)
    end = timeframes.floor_time(min(wish.end, moment.wall), wish.timeframe)
    if end <= first:
        raise Refused("No whole bar lies between start and end; widen the span.", code="empty_span", field="end")
    there = into.resume()
    if there is not None and there[0] > first:
        raise Refused(
            f"The file begins at {there[0]:%Y-%m-%d %H:%M}, after the wished start {first:%Y-%m-%d %H:%M}. "
            "Move the file away to fetch it whole, or start there.",
            code="file_starts_later",
            field="start",
        )
    at, stored = (there[1] + length if there else first), 0
    while at < end:
        page = _page(provider, wish, at)
        found = [candle for candle in page if candle.open_at < end]
        into.append(found)
        stored += len(found)
        # An empty page is a hole in the source or a time before its listing: step over it.
        at = found[-1].open_at + length if found else at + length * PAGE
        yield Progress(min(1.0, (at - first) / (end - first)), stored)


def _page(provider: MarketDataProvider, wish: Wish, at: datetime) -> list[Candle]:
    patient = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=0.5, max=30),
        retry=retry_if_exception_type(RetryableFailure),
        reraise=True,
    )
    found: list[Candle] = patient(provider.candles, wish.symbol, wish.timeframe, since=at, limit=PAGE)
    return found
