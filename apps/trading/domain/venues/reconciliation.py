"""Compare our books with what a venue tells: orders, trades, balances. Pure, set-based, one pass over each side.

The venue's side comes in as the port's values; the protocols below name what is looked at. Nothing here concludes from
silence: an order that the venue does not list is only a question (``absent``), asked again by name.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from apps.foundation.money import ZERO
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.orders.order_lifecycle import AT_VENUE, TERMINAL, UNSENT, OrderState

_WORKING_THERE = frozenset({"OPEN", "PARTIALLY_FILLED"})
_SENT = AT_VENUE | TERMINAL
_OUR_UUIDS = frozenset({5, 7})  # derived from a cause, or ordered by time


class OrderThere(Protocol):
    """An order as the venue tells of it."""

    @property
    def client_order_id(self) -> str: ...
    @property
    def venue_order_id(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def filled_quantity(self) -> Decimal: ...


class TradeThere(Protocol):
    """A trade as the venue tells of it."""

    @property
    def venue_trade_id(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...


Told = TypeVar("Told", bound=OrderThere)
T = TypeVar("T", bound=TradeThere)


@dataclass(frozen=True, slots=True)
class OrderHere:
    """An order of ours as the books have it."""

    id: UUID
    client_order_id: str
    venue_order_id: str | None
    symbol: str
    state: OrderState
    quantity: Decimal
    filled_quantity: Decimal


@dataclass(frozen=True, slots=True)
class TradeHere:
    """A trade that was posted."""

    venue_trade_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class OrderDifferences(Generic[Told]):
    """``news``: orders of ours whose state there is ahead, or that traded more there after their end here.

    ``absent``: ours at work, listed nowhere there. ``returned``: ended in our books, at work there. ``lost``: in the
    form of our ids, without a row. ``unsent``: waiting to be sent in our books, yet the venue has them. ``foreign``:
    others' orders at work. ``altered``: the venue names another quantity than was sent, or another instrument.
    """

    news: list[tuple[OrderHere, Told]] = field(default_factory=list)
    absent: list[OrderHere] = field(default_factory=list)
    returned: list[tuple[OrderHere, Told]] = field(default_factory=list)
    lost: list[Told] = field(default_factory=list)
    unsent: list[tuple[OrderHere, Told]] = field(default_factory=list)
    foreign: list[Told] = field(default_factory=list)
    altered: list[tuple[OrderHere, Told]] = field(default_factory=list)


def compare_orders(
    *, here: Iterable[OrderHere], there: Iterable[Told], client_id_of: Mapping[UUID, str] | None = None
) -> OrderDifferences[Told]:
    """What differs between our orders and those the venue lists (open ones, and ended ones of the same span).

    ``here`` has every order of ours that the venue may list, found by id or at work. ``client_id_of`` gives the id in
    the venue's form where that is another than our own.
    """
    ours = list(here)
    forms = client_id_of or {}
    by_client = {forms.get(order.id, order.client_order_id): order for order in ours}
    by_client |= {order.client_order_id: order for order in ours}
    by_venue = {(order.symbol, order.venue_order_id): order for order in ours if order.venue_order_id}
    found: OrderDifferences[Told] = OrderDifferences()
    listed: set[UUID] = set()
    for report in there:
        order = by_client.get(report.client_order_id) or by_venue.get((report.symbol, report.venue_order_id))
        if order is None:
            _unmatched(report, found)
        else:
            listed.add(order.id)
            _matched(order, report, found)
    found.absent.extend(order for order in ours if order.state in AT_VENUE and order.id not in listed)
    return found


def _unmatched(report: Told, found: OrderDifferences[Told]) -> None:
    if in_our_form(report.client_order_id):
        found.lost.append(report)
    elif report.state in _WORKING_THERE:
        found.foreign.append(report)


def _matched(order: OrderHere, report: Told, found: OrderDifferences[Told]) -> None:
    if order.state in UNSENT and report.symbol == order.symbol:
        found.unsent.append((order, report))
        return
    if report.symbol != order.symbol or (report.quantity is not None and report.quantity != order.quantity):
        found.altered.append((order, report))
    if order.state in TERMINAL or order.state not in _SENT:
        if report.state in _WORKING_THERE:
            found.returned.append((order, report))
        elif order.state in TERMINAL and report.filled_quantity > order.filled_quantity:
            found.news.append((order, report))
        return
    settled = order.state not in {OrderState.SUBMITTING, OrderState.UNKNOWN} and report.state in _WORKING_THERE
    if not settled or report.filled_quantity != order.filled_quantity:
        found.news.append((order, report))


def in_our_form(client_order_id: str) -> bool:
    """Whether an id can only be one of ours: 32 hex digits of a uuid as this house makes them, dashes allowed."""
    text = client_order_id.replace("-", "")
    if len(text) != 32:  # noqa: PLR2004 - hex digits of a uuid
        return False
    try:
        return UUID(hex=text).version in _OUR_UUIDS
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class TradeDifferences(Generic[T]):
    """``missing``: the venue has them, our books don't. ``altered``: same id, other content.

    ``unproven``: posted here, absent there; only where the venue's list was complete.
    """

    missing: list[T] = field(default_factory=list)
    altered: list[tuple[TradeHere, T]] = field(default_factory=list)
    unproven: list[TradeHere] = field(default_factory=list)


def compare_trades(*, here: Mapping[str, TradeHere], there: Iterable[T], complete: bool) -> TradeDifferences[T]:
    """What differs between posted trades (by the venue's trade id) and those the venue lists; repeats are harmless.

    ``complete``: the venue listed everything from the account's first trade on.
    """
    found: TradeDifferences[T] = TradeDifferences()
    seen: set[str] = set()
    for trade in there:
        if trade.venue_trade_id in seen:
            continue
        seen.add(trade.venue_trade_id)
        posted = here.get(trade.venue_trade_id)
        if posted is None:
            found.missing.append(trade)
        elif not _same(posted, trade):
            found.altered.append((posted, trade))
    if complete:
        found.unproven.extend(trade for name, trade in here.items() if name not in seen)
    return found


def _same(posted: TradeHere, trade: TradeThere) -> bool:
    return (posted.symbol, posted.side, posted.quantity, posted.price) == (
        trade.symbol,
        trade.side,
        trade.quantity,
        trade.price,
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """``amount``: what the venue has less what our books say; ``unexplained`` is what no open break accounts for."""

    asset: str
    ours: Decimal
    theirs: Decimal
    unexplained: Decimal

    @property
    def amount(self) -> Decimal:
        return self.theirs - self.ours


def compare_balances(
    *,
    ours: Mapping[str, Decimal],
    theirs: Mapping[str, Decimal],
    dust: Mapping[str, Decimal],
    explained: Mapping[str, Decimal] | None = None,
) -> list[Gap]:
    """The assets whose totals differ by more than their dust, by asset.

    Compared are the assets in ``dust`` (what this account trades) and all that our books hold. ``explained``: amounts
    that open breaks and the venue's own list of transfers account for.
    """
    known = explained or {}
    gaps = []
    for asset in sorted({*ours, *dust}):
        mine, their = ours.get(asset, ZERO), theirs.get(asset, ZERO)
        unexplained = their - mine - known.get(asset, ZERO)
        if abs(unexplained) > dust.get(asset, ZERO):
            gaps.append(Gap(asset, mine, their, unexplained))
    return gaps


STANDS_AFTER = timedelta(seconds=2)


def standing(
    *, before: Mapping[str, Sequence[str]], now: Mapping[str, str], at: datetime
) -> tuple[frozenset[str], dict[str, list[str]]]:
    """The names that an earlier look saw with the same value, 2 s ago at least; and what to remember for the next look.

    What moves is an order in flight, a transfer under way or a slow venue; only what stands is a difference. ``before``
    and the memory hold value and time of the first look that saw it, as texts.
    """
    remembered: dict[str, list[str]] = {}
    stands = set()
    for name, value in now.items():
        seen, since = before.get(name, ("", ""))
        if seen == value and since:
            remembered[name] = [value, since]
            if at - datetime.fromisoformat(since) >= STANDS_AFTER:
                stands.add(name)
        else:
            remembered[name] = [value, at.isoformat()]
    return frozenset(stands), remembered


@dataclass(frozen=True, slots=True)
class HeldBackTrade:
    """A trade that the venue made and our books don't have (yet)."""

    symbol: str
    side: str
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str


def effect_of(trades: Collection[HeldBackTrade]) -> dict[str, Decimal]:
    """What these trades do to the balances of an account, by asset."""
    effect: dict[str, Decimal] = defaultdict(Decimal)
    for trade in trades:
        base, quote = split_symbol(trade.symbol)
        sign = 1 if trade.side == "buy" else -1
        effect[base] += sign * trade.quantity
        effect[quote] -= sign * trade.cost
        effect[trade.fee_asset] -= trade.fee
    return dict(effect)
