"""The quote board in Redis: one JSON value a source and instrument under ``quote:<source>:<symbol>``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from redis import RedisError

from apps.foundation import redis_pool
from apps.foundation.errors import NotReady
from apps.market.domain.quotes import Quote

KEPT_SECONDS = 86_400  # of the last word of a source that has gone silent


class RedisQuoteBoard:
    """Shared by all processes; ``NotReady`` (code ``quotes_away``) while Redis is away. A silent one is given up soon:
    the stop guard and orders wait for the answer.
    """

    def put(self, quotes: Sequence[Quote]) -> None:
        """Write all quotes in one step, so that no reader sees half a bar."""
        try:
            with redis_pool.quick_client().pipeline(transaction=True) as pipe:
                for quote in quotes:
                    pipe.set(_key(quote.source, quote.symbol), _packed(quote), ex=KEPT_SECONDS)
                pipe.execute()
        except RedisError as error:
            raise _away(error) from error

    def latest(self, symbols: Sequence[str], sources: Sequence[str]) -> dict[str, list[Quote]]:
        """The newest quote of each source by instrument, in the order of ``sources``."""
        pairs = [(symbol, source) for symbol in symbols for source in sources]
        found: dict[str, list[Quote]] = {symbol: [] for symbol in symbols}
        if not pairs:
            return found
        try:
            values: list[Any] = redis_pool.quick_client().mget([_key(source, symbol) for symbol, source in pairs])
        except RedisError as error:
            raise _away(error) from error
        for (symbol, _), value in zip(pairs, values, strict=True):
            if value is not None:
                found[symbol].append(_unpacked(value))
        return found


def _key(source: str, symbol: str) -> str:
    return f"quote:{source}:{symbol}"


def _away(error: RedisError) -> NotReady:
    return NotReady(
        f"The quote board is away: Redis answered {type(error).__name__}. Prices come back with it.", code="quotes_away"
    )


def _packed(quote: Quote) -> bytes:
    return orjson.dumps(
        {
            "symbol": quote.symbol,
            "source": quote.source,
            "bid": str(quote.bid),
            "ask": str(quote.ask),
            "last": None if quote.last is None else str(quote.last),
            "event_at": quote.event_at.isoformat(),
            "received_at": quote.received_at.isoformat(),
            "market": quote.market,
        }
    )


def _unpacked(value: str) -> Quote:
    fields = orjson.loads(value)
    return Quote(
        symbol=fields["symbol"],
        source=fields["source"],
        bid=Decimal(fields["bid"]),
        ask=Decimal(fields["ask"]),
        last=None if fields["last"] is None else Decimal(fields["last"]),
        event_at=datetime.fromisoformat(fields["event_at"]).astimezone(UTC),
        received_at=datetime.fromisoformat(fields["received_at"]).astimezone(UTC),
        market=fields["market"],
    )
