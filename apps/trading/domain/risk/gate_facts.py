"""Everything the risk gate looks at, as plain values. ``None`` means nobody knows, and then the rule denies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson

from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order under judgment. ``value`` is its size at the mark; ``needs`` what it reserves, in ``needs_asset``.

    ``budget``: the ledger's sub-account that pays a buy. ``price``: its own limit, else its trigger; ``trigger``: what
    it waits for.
    """

    symbol: str
    base: str
    side: str
    type: str
    origin: str
    reduce_only: bool
    privileged: bool
    quantity: Decimal
    price: Decimal | None
    value: Decimal | None
    needs: Decimal | None
    needs_asset: str
    expected_edge_bps: float | None
    budget: str = FIRM
    trigger: Decimal | None = None

    @property
    def reducing(self) -> bool:
        """Sales only lower a position: spot is long or flat."""
        return self.side == "sell"


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """The instrument's rules and price as the market room tells them.

    ``correlations``: of other instruments' returns with this one's, where they were measured. ``closed``: the
    instrument's exchange is closed, until ``opens_at`` where its calendar reaches so far.
    """

    mark: Decimal | None
    as_of: datetime | None
    stale: bool
    diverging: bool
    spread_bps: Decimal | None
    reason: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    paused_reason: str | None
    fee_bps: Decimal
    correlations: Mapping[str, float] = field(default_factory=dict)
    closed: bool = False
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookFacts:
    """The portfolio under the lock. ``available`` is free money of the order's budget for a buy, free units for a sell.

    ``exposures``: value at the marks of each held instrument plus its working buys; None for one without a price.
    ``in_flight_loss``: what orders on their way may have lost already; None for want of a mark.
    ``position_budget``: what paid for the position that is held, or would pay for a new one.
    """

    equity: Decimal | None
    day_start_equity: Decimal
    peak_equity: Decimal
    available: Decimal
    exposures: Mapping[str, Decimal | None]
    held_quantity: Decimal
    orders_last_hour: int
    open_orders: int
    unknown_orders: int
    unknown_on_symbol: int
    losses_in_row: int
    last_loss_firm: datetime | None
    state: TradingState
    state_reasons: tuple[str, ...] = ()
    in_flight_loss: Decimal | None = ZERO
    position_budget: str = FIRM


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """The account's venue. ``rung`` and ``clock_offset_ms`` are None where nobody knows; ``in_house``: no network.

    ``quarantine``: where our books and the venue differ over the order's instrument, how; None where they don't.
    """

    account: str
    in_house: bool
    rung: str | None = None
    reason: str = ""
    clock_offset_ms: int | None = None
    quarantine: str | None = None


@dataclass(frozen=True, slots=True)
class GateFacts:
    order: OrderFacts
    market: MarketFacts
    book: BookFacts
    venue: VenueFacts
    limits: LimitValues
    firm: datetime
    limits_version: int = 0

    def as_text(self) -> bytes:
        """All inputs as canonical JSON: what the digest is taken of."""
        return orjson.dumps(self, default=plain, option=orjson.OPT_SORT_KEYS)


def jsonable(value: Any) -> Any:
    """``value`` with decimals as plain strings and times as ISO 8601."""
    if isinstance(value, Mapping):
        return {str(name): jsonable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
