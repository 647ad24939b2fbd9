"""What trading needs from the outside: a venue that takes orders. One contract suite runs against each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

from apps.foundation.clock import Moment
from apps.foundation.errors import OutcomeUnknown, Refused, RetryableFailure
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.venue_charge import VenueCharge
from apps.trading.domain.venues.venue_transfer import VenueTransfer

VenueOrderState = Literal["OPEN", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED"]
VenueOrderType = Literal["market", "limit", "stop", "stop_limit", "take_profit", "trailing_stop"]
WithdrawalRight = Literal["yes", "no", "unknown"]


class VenueRefused(Refused):
    """The venue answered that it did not take the order; nothing is at work there."""

    code = "venue_refused"


class LeaseLost(VenueRefused):
    """Nothing left: whoever wanted to send does not hold the lease for sure any more."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__("It was not sent: this instance's lease ended, or could not be renewed in time.")


class VenueOrderExists(VenueRefused):
    """The venue already has an order of this client order id: look it up, it is ours."""

    code = "venue_order_exists"


class BadVenueAnswer(RetryableFailure):
    """A read was answered with nonsense; ``facts`` say what, for the people who look at breaks."""

    code = "bad_venue_answer"


class BadVenueOutcome(OutcomeUnknown):
    """A create, cancel or amend was answered with nonsense: it may have taken effect. ``facts`` as above."""

    code = "bad_venue_answer"


@dataclass(frozen=True, slots=True)
class VenueCapabilities:
    """What the venue does by itself; the rest is emulated by the house or refused.

    ``amend``: ``replace`` gives the changed order a client order id of its own (one row an order), ``in_place`` keeps
    it, empty: cancel, then send anew. ``request_expiry``: it refuses a request that comes after ``valid_until``.
    ``balances``: it keeps balances of its own, which can be compared with the books.
    """

    order_types: frozenset[str] = frozenset({"market", "limit"})
    times_in_force: frozenset[str] = frozenset({"GTC", "IOC", "FOK"})
    post_only: bool = True
    amend: Literal["", "replace", "in_place"] = ""
    request_expiry: bool = True
    native_stops: bool = False
    oco: bool = False
    balances: bool = True


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """One order as a venue is told of it: base quantity, quote prices; ``limit_price`` only for limits.

    ``funds``: quote currency set aside for a market buy, fees included; a venue that can must not spend more.
    ``valid_until`` (wall): a venue that can refuses the request after it, so that a sender that was frozen in between
    can't place an order that was given up meanwhile. ``venue_order_id``: known only for an order that is amended.
    ``may_leave``: asked before the request is signed and again before its first byte is written; once it says False
    nothing leaves, and the order is ``VenueRefused`` (``lease_lost``).
    """

    client_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    type: VenueOrderType
    quantity: Decimal
    limit_price: Decimal | None
    funds: Decimal | None
    time_in_force: str
    post_only: bool
    reduce_only: bool
    valid_until: datetime
    stop_price: Decimal | None = None
    trail_pct: Decimal | None = None
    venue_order_id: str | None = None
    expires_firm: datetime | None = None  # with GTD, for a venue that keeps the firm's time; others are told GTC
    may_leave: Callable[[], bool] = field(default=_always, compare=False, repr=False)

    def refuse_unless_it_may_leave(self) -> None:
        """Raise ``VenueRefused`` where another house may be sending by now."""
        if not self.may_leave():
            raise LeaseLost


@dataclass(frozen=True, slots=True)
class VenueFill:
    """One trade of one of our orders. ``venue_trade_id`` is unique in the account; ``fee`` is in ``fee_asset``, any.

    ``client_order_id`` is empty where the venue's list of trades names only ``venue_order_id``. ``fee`` may be
    negative: a rebate.
    """

    venue_trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Literal["taker", "maker"]
    executed_firm: datetime


@dataclass(frozen=True, slots=True)
class VenueReport:
    """What the venue says about one order. ``accepted_firm`` is the firm time from which it may fill.

    ``fills``: trades that came with the same answer; they may also come again by other ways.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    state: VenueOrderState
    filled_quantity: Decimal
    accepted_firm: datetime
    reason: str
    side: Literal["buy", "sell"] = "buy"
    type: str = "market"
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    fills: tuple[VenueFill, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class FillPage:
    """Fills in the venue's order and the watermark behind them, to be handed back the next time.

    ``bad``: the facts of trades that can't be true or can't be read; each is a break, and stops no other.
    """

    fills: tuple[VenueFill, ...]
    watermark: str
    complete: bool  # False: more may be waiting behind the watermark
    bad: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class VenueBalance:
    """``used``: tied up in orders at work."""

    free: Decimal
    used: Decimal


@dataclass(frozen=True, slots=True)
class VenueNews:
    """What a stream told, in the order it came; ``bad`` as of a page of fills."""

    fills: tuple[VenueFill, ...] = ()
    reports: tuple[VenueReport, ...] = ()
    bad: tuple[Mapping[str, Any], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fills or self.reports or self.bad)


class Venue(Protocol):
    """One account at a place that takes orders. No method retries a send; reads may be retried by the caller.

    Errors: ``VenueRefused`` (proven not taken), ``OutcomeUnknown`` (sent, nobody knows), ``RetryableFailure`` (a read
    failed). Anything else that ``submit``, ``amend`` or ``cancel`` raises counts as unknown: the order is looked up,
    never resent. Nonsense is ``BadVenueAnswer`` for a read and ``BadVenueOutcome`` for a send.
    """

    account: str  # the account's name, under which the books know it
    name: str  # the venue: paper, binance, kraken, ...
    capabilities: VenueCapabilities
    request_life: timedelta  # wall time after which a request that was sent can't take effect any more
    visibility_lag: timedelta  # how long its answers may not show an order yet that it has taken
    negative_answers: int  # consistent "no such order" answers, spread over the request life, that prove absence

    def client_order_id(self, order_hex: str) -> str:
        """The client order id, in this venue's form, of the order whose uuid is ``order_hex`` (32 hex digits)."""
        ...

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        """Send the order once. Raises ``VenueRefused``, ``VenueOrderExists`` or ``OutcomeUnknown``."""
        ...

    def find(self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None) -> VenueReport | None:
        """The venue's view of an order; None: it knows of none. Raises ``RetryableFailure``, no evidence of absence.

        With an empty ``client_order_id`` it is looked up by ``venue_order_id`` alone (whose trade is this?).
        """
        ...

    def cancel(
        self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None, moment: Moment
    ) -> VenueReport:
        """Ask for cancellation and answer the state afterwards: a filled order stays filled.

        Raises ``VenueRefused`` for an id it does not know and ``OutcomeUnknown``.
        """
        ...

    def amend(self, *, client_order_id: str, order: VenueOrder, moment: Moment) -> VenueReport:
        """Change the order at work that has ``client_order_id`` into ``order`` by one request; the report of ``order``.

        Only where ``capabilities.amend`` says so. ``order.venue_order_id`` is the old order's. Raises ``VenueRefused``
        (nothing new is at work; look the old one up, it may be cancelled) or ``OutcomeUnknown`` (look both up).
        """
        ...

    def open_orders(self) -> list[VenueReport]:
        """Orders still at work, oldest first, also those that others placed. Raises ``RetryableFailure``."""
        ...

    def closed_orders(self, *, symbols: Sequence[str], since: datetime) -> list[VenueReport]:
        """Orders of these instruments that ended and were placed since, oldest first. Raises ``RetryableFailure``."""
        ...

    def fills_since(self, *, watermark: str, symbols: Sequence[str], limit: int) -> FillPage:
        """Fills behind the watermark, about ``limit`` at most; empty: from the beginning the venue can tell of.

        Only the adapter understands the watermark. Fills may come again: a trade posts once. ``symbols``: instruments
        with orders at work, for venues that answer by instrument. Raises ``RetryableFailure``.
        """
        ...

    def fills_of(self, *, symbol: str, venue_order_id: str) -> list[VenueFill]:
        """Every fill of one order, however old. Raises ``RetryableFailure``."""
        ...

    def balances(self) -> dict[str, VenueBalance]:
        """What the account holds, by asset; assets it has none of may be missing. Raises ``RetryableFailure``."""
        ...

    def rules(self, symbols: Sequence[str]) -> dict[str, InstrumentRules]:
        """Steps and minimums as the venue states them now. Raises ``RetryableFailure``."""
        ...

    def clock_offset(self) -> timedelta:
        """Our clock minus the venue's, just measured. Raises ``RetryableFailure``."""
        ...

    def healthy(self) -> None:
        """A control query of the private interface: the venue answers and knows us. Raises ``RetryableFailure``."""
        ...

    def key_rights(self) -> WithdrawalRight:
        """Whether the account's key may withdraw. Raises ``RetryableFailure``, ``VenueRefused`` for a bad key."""
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


class Steered(Protocol):
    """An exchange whose market time the house leads."""

    def advance(self, *, to: datetime) -> None:
        """Let its market time pass up to ``to``. Raises ``RetryableFailure``."""
        ...


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


@runtime_checkable
class ChargingVenue(Venue, Protocol):
    """A venue that lists what it takes from the account apart from trades."""

    def charges_since(self, *, since: datetime) -> list[VenueCharge]:
        """Charges booked since, oldest first. Raises ``RetryableFailure``."""
        ...


@runtime_checkable
class TransferringVenue(Venue, Protocol):
    """A venue that lists what came into the account from outside, and what left it."""

    def transfers_since(self, *, asset: str, since: datetime) -> list[VenueTransfer]:
        """Transfers of the asset that moved money; none where the venue keeps no list. Raises ``RetryableFailure``."""
        ...


class StreamingVenue(Venue, Protocol):
    """A venue that also tells of fills and orders by itself. The stream may drop, repeat and shuffle; reads decide."""

    def start_stream(self) -> None:
        """Begin to listen; harmless to repeat, reconnects by itself."""
        ...

    def take_news(self) -> VenueNews:
        """What came in since the last call, at once."""
        ...
