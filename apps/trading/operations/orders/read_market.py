"""What an order needs to know of the market, read before any lock is taken."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from apps.foundation.clock import Moment
from apps.market import queries as market
from apps.trading.domain.risk.order_in_market import MarketSight
from apps.trading.domain.venues.paper_terms import terms_of

# What each account's book was last seen to need, so that its marks are read before the lock; a guess, checked under it.
_beside: dict[str | None, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class MarketReading(MarketSight):
    """What was read for an order on ``account``; ``key``: of the market's state it was read at."""

    account: str | None = None
    key: str | None = None


def read_market(*, symbol: str, moment: Moment, account: str | None = None) -> MarketReading:
    """The market for an order of ``symbol``. Raises ``NotFound`` (``unknown_instrument``).

    The marks beside it are those that the account's book was last seen to need; what is missing is read later.
    """
    return _reading(market.order_market(symbol, _beside.get(account, ()), moment), account)


def remember_market(*, symbol: str, moment: Moment, account: str | None = None) -> MarketReading:
    """What this process has read of the market before: good while ``book.market_key`` is its ``key``."""
    return _reading(market.remembered_market(symbol, _beside.get(account, ()), moment), account)


def _reading(found: market.OrderMarket, account: str | None) -> MarketReading:
    return MarketReading(
        rules=found.rules,
        paused_reason=found.paused_reason,
        marks=found.marks,
        fee_bps=terms_of(found.rules.symbol).side_fee_bps,
        account=account,
        key=found.key,
    )


def with_marks_of(reading: MarketReading, symbols: Iterable[str], moment: Moment) -> MarketReading:
    """The reading with marks of ``symbols`` too: a book may hold more than it was last seen to."""
    wanted = tuple(symbols)
    _beside[reading.account] = wanted
    missing = [symbol for symbol in wanted if symbol not in reading.marks]
    return replace(reading, marks=reading.marks | market.marks(missing, moment)) if missing else reading
