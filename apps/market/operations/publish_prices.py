"""Telling other processes and screens about new prices, after commit. Nothing here is needed for a right order."""

from collections.abc import Iterable, Mapping, Sequence

import structlog
from django.db import connection

from apps.foundation import live_updates
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.market import ports
from apps.market.domain.candles import Candle
from apps.market.domain.quotes import Quote
from apps.market.queries.views import candle_view, quote_snapshots

log = structlog.get_logger(__name__)


def notify(channel: str, payload: str = "") -> None:
    """A PostgreSQL notification, delivered when this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def put_on_board(quotes: Sequence[Quote]) -> None:
    """Write the quotes to the board; in lock-step its loss costs only time, so it is logged."""
    try:
        ports.adapters().board.put(quotes)
    except NotReady as error:
        log.warning("quotes_not_published", reason=error.message)


def show_quotes(symbols: Iterable[str], moment: Moment) -> None:
    """Send each instrument's sources and mark to the screens."""
    live_updates.publish_all(
        live_updates.Update(f"quotes:{symbol}", "snapshot", snapshot, moment.firm)
        for symbol, snapshot in quote_snapshots(list(symbols), moment).items()
    )


def show_candles(candles: Iterable[Candle], leaders: Mapping[str, str]) -> None:
    """Send the new bars of each instrument's leading source to the screens."""
    live_updates.publish_all(
        live_updates.Update(
            f"candles:{candle.symbol}:{candle.timeframe}", "delta", candle_view(candle), candle.close_at
        )
        for candle in candles
        if candle.source == leaders.get(candle.symbol)
    )
