"""What trading needs from the outside: a venue that takes orders. One contract suite runs against each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.market.domain.candles import Candle

VenueOrderState = Literal["OPEN", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED"]


class VenueRefused(Refused):
    """The venue answered that it did not take the order; nothing is at work there."""

    code = "venue_refused"


class VenueOrderExists(VenueRefused):
    """The venue already has an order of this client order id: look it up, it is ours."""

    code = "venue_order_exists"


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """One order as a venue is told of it: base quantity, quote prices; ``limit_price`` only for limits.

    ``funds``: quote currency set aside for a market buy, fees included; a venue that can must not spend more.
    ``valid_until`` (wall): a venue that can refuses the request after it, so that a sender that was frozen in between
    can't place an order that was given up meanwhile.
    """

    client_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    type: Literal["market", "limit"]
    quantity: Decimal
    limit_price: Decimal | None
    funds: Decimal | None
    time_in_force: str
    post_only: bool
    reduce_only: bool
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class VenueReport:
    """What the venue says about one order. ``accepted_firm`` is the firm time from which it may fill."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    state: VenueOrderState
    filled_quantity: Decimal
    accepted_firm: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class VenueFill:
    """One trade of one of our orders. ``sequence`` rises in the venue's order; ``fee`` is in ``fee_asset``."""

    sequence: int
    venue_trade_id: str
    client_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Literal["taker", "maker"]
    executed_firm: datetime


class Venue(Protocol):
    """A place that takes orders. No method retries a send; reads may be retried by the caller.

    Errors: ``VenueRefused`` (proven not taken), ``OutcomeUnknown`` (sent, nobody knows), ``RetryableFailure`` (a read
    failed). Anything else that ``submit`` or ``cancel`` raises counts as unknown: the order is looked up, never resent.
    """

    name: str
    request_life: timedelta  # wall time after which a request that was sent can't take effect any more
    negative_answers: int  # consistent "no such order" answers, spread over the request life, that prove absence

    def client_order_id(self, order_hex: str) -> str:
        """The client order id, in this venue's form, of the order whose uuid is ``order_hex`` (32 hex digits)."""
        ...

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        """Send the order once. Raises ``VenueRefused``, ``VenueOrderExists`` or ``OutcomeUnknown``."""
        ...

    def find(self, *, client_order_id: str) -> VenueReport | None:
        """The venue's view of an order; None: it knows of none. Raises ``RetryableFailure``, no evidence of absence."""
        ...

    def cancel(self, *, client_order_id: str, moment: Moment) -> VenueReport:
        """Ask for cancellation and answer the state afterwards: a filled order stays filled.

        Raises ``VenueRefused`` for an id it does not know and ``OutcomeUnknown``.
        """
        ...

    def open_orders(self) -> list[VenueReport]:
        """Orders still at work, oldest first."""
        ...

    def fills_since(self, *, sequence: int, limit: int) -> list[VenueFill]:
        """Fills whose sequence is above ``sequence``, in order, at most ``limit``."""
        ...


@dataclass(frozen=True, slots=True)
class QuotedMarket:
    """A live market to match against: the best sides, when they came in, the last closed bar's volume."""

    symbol: str
    bid: Decimal
    ask: Decimal
    received_at: datetime
    bar_volume: Decimal
    window_start: datetime


class MatchingVenue(Venue, Protocol):
    """A venue inside the house, which matches only when it is shown the market."""

    def matched_until(self) -> datetime | None:
        """Close time of the last bar that was matched; None before the first."""
        ...

    def match_bars(self, *, closed_at: datetime, bars: Sequence[Candle]) -> int:
        """Match working orders against the bars that closed at ``closed_at``, once; answers the number of fills."""
        ...

    def match_quotes(self, *, markets: Sequence[QuotedMarket], moment: Moment) -> int:
        """Match working orders against live quotes received after their latency; answers the number of fills."""
        ...
