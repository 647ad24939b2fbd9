"""Venue trades into the books: fills, orders, ledger, positions, results and protective stops in one transaction.

What a trade changes is worked out in memory on locked rows and written by a few statements for all of them; stops and
groups are looked at once an instrument, after the last of its trades.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation.clock import Moment
from apps.foundation.correlation import bind
from apps.foundation.identifiers import derived_id
from apps.foundation.money import plain
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.orders.order_lifecycle import OPEN
from apps.trading.models import Fill, Order, Portfolio, Position
from apps.trading.operations.books.post_fills import FillBooks, OverFillError
from apps.trading.operations.orders.settle_groups import settle_groups
from apps.trading.operations.protection.cover_position import cover_position, protective_orders
from apps.trading.operations.risk.want_incident import want_incident
from apps.trading.ports import VenueFill
from apps.trading.queries.held_dust import holds_dust

__all__ = ["FillWithoutOrderError", "OverFillError", "apply_fill", "apply_fills"]


class FillWithoutOrderError(AssertionError):
    """The venue reports a trade of an order that was never sent from here, or not yet."""


@dataclass(slots=True)
class _Touched:
    """What the trades of one instrument leave to be looked at once."""

    last: Order
    watched_from: datetime
    groups: dict[UUID, datetime] = field(default_factory=dict)


def apply_fill(*, fill: VenueFill, account: str, moment: Moment) -> bool:
    """Post one trade; False when it was posted before. Redelivered and shuffled fills end in the same books.

    A fill on an order that had ended is posted too: it raises the filled quantity, keeps the state and asks for an
    incident. Raises ``FillWithoutOrderError`` for a trade of an order that this house never sent, ``OverFillError`` and
    ``FillExceedsPositionError``; then nothing is posted.
    """
    return bool(apply_fills(fills=[fill], account=account, moment=moment))


def apply_fills(*, fills: Sequence[VenueFill], account: str, moment: Moment) -> frozenset[str]:
    """``apply_fill`` of several trades of one account, in their order, all or none; the venue's ids of the new ones."""
    if not fills:
        return frozenset()
    order_ids = _find_orders(fills, account)
    with transaction.atomic():
        books = _lock(order_ids, fills, account, moment)
        posted = _posted(fills, account)
        touched: dict[str, _Touched] = {}
        new: list[str] = []
        for fill, order_id in zip(fills, order_ids, strict=True):
            if fill.venue_trade_id in posted:
                continue
            posted.add(fill.venue_trade_id)
            new.append(fill.venue_trade_id)
            order = books.orders[order_id]
            books.post(order, fill)
            _touch(touched, order, fill)
            for symbol in books.paid_with - touched.keys():
                touched[symbol] = _Touched(order, fill.executed_firm)
        if new:
            books.write()
            for symbol, what in touched.items():
                _look_after(books, symbol, what, moment)
            books.tell()
    return frozenset(new)


def _find_orders(fills: Sequence[VenueFill], account: str) -> list[UUID]:
    """The order of each fill, by our id or, where the venue names only its own, by that."""
    ours = {fill.client_order_id for fill in fills if fill.client_order_id}
    theirs = {fill.venue_order_id for fill in fills if not fill.client_order_id and fill.venue_order_id}
    named = Q(client_order_id__in=ours) | Q(venue_order_id__in=theirs)
    known: dict[tuple[str, str], UUID] = {}
    rows = Order.objects.filter(named, account_id=account)
    for order_id, client_id, symbol, venue_id in rows.values_list("pk", "client_order_id", "symbol", "venue_order_id"):
        known["", client_id] = order_id
        if venue_id:
            known[symbol, venue_id] = order_id
    return [_known_order(known, fill, account) for fill in fills]


def _known_order(known: dict[tuple[str, str], UUID], fill: VenueFill, account: str) -> UUID:
    key = ("", fill.client_order_id) if fill.client_order_id else (fill.symbol, fill.venue_order_id)
    if key not in known:
        whose = fill.client_order_id or fill.venue_order_id
        raise FillWithoutOrderError(f"{account} reports {fill.venue_trade_id} of the unknown order {whose}.")
    return known[key]


def _lock(order_ids: Sequence[UUID], fills: Sequence[VenueFill], account: str, moment: Moment) -> FillBooks:
    """The rows that the fills change, locked: portfolio, orders with the protective ones, positions."""
    portfolio = Portfolio.objects.select_for_update(of=("self",)).get(account__pk=account)
    symbols = sorted({fill.symbol for fill in fills})
    paying = {f"{fill.fee_asset}/{portfolio.base_currency}" for fill in fills} - set(symbols)
    protective = protective_orders(portfolio_id=portfolio.pk, symbols=[*symbols, *sorted(paying)])
    locked = Order.objects.select_for_update().filter(Q(pk__in=set(order_ids)) | protective).order_by("pk")
    orders = {order.pk: order for order in locked}
    for order_id, fill in zip(order_ids, fills, strict=True):
        order = orders[order_id]
        if order.submitted_wall is None:
            raise FillWithoutOrderError(
                f"Order {order_id} is {order.state} and was never sent, yet {fill.venue_trade_id} fills it."
            )
    return FillBooks(portfolio, orders, _positions(portfolio.pk, symbols, paying), moment)


def _positions(portfolio_id: UUID, symbols: Sequence[str], paying: Collection[str]) -> dict[str, Position]:
    """``paying``: the instruments of the fees' assets, whose units pay where some are held."""
    named = [*symbols, *paying]
    held = Position.objects.select_for_update().filter(portfolio_id=portfolio_id, symbol__in=named).order_by("pk")
    found = {row.symbol: row for row in held}
    first = [symbol for symbol in symbols if symbol not in found]
    if first:  # nobody else writes them: the portfolio is locked
        rows = [
            Position(id=derived_id("position", portfolio_id, s), portfolio_id=portfolio_id, symbol=s) for s in first
        ]
        found |= {row.symbol: row for row in Position.objects.bulk_create(rows)}
    return found


def _posted(fills: Sequence[VenueFill], account: str) -> set[str]:
    names = [fill.venue_trade_id for fill in fills]
    found = Fill.objects.filter(account_id=account, venue_trade_id__in=names)
    return set(found.values_list("venue_trade_id", flat=True))


def _touch(touched: dict[str, _Touched], order: Order, fill: VenueFill) -> None:
    at = fill.executed_firm
    what = touched.setdefault(fill.symbol, _Touched(order, at))
    what.last = order
    if order.group_id is not None:
        what.groups.setdefault(order.group_id, at)


def _look_after(books: FillBooks, symbol: str, what: _Touched, moment: Moment) -> None:
    position, rules = books.positions[symbol], books.rules_of(symbol)
    with bind(correlation_id=what.last.correlation_id or None, order_id=what.last.pk):
        if what.groups:
            settle_groups(portfolio_id=books.portfolio.pk, symbol=symbol, moment=moment)
        cover_position(
            position=position,
            moment=moment,
            watched_from=what.watched_from,
            filled=what.groups,
            rules=rules,
            tidings=books.tidings,
        )
        _tell_dust(position, rules)


def _tell_dust(position: Position, rules: InstrumentRules) -> None:
    """Once, by the trade that leaves it behind: a rest that no venue takes stays until more is bought."""
    if not position.quantity or not holds_dust(position, rules):
        return
    of_it = Order.objects.filter(portfolio_id=position.portfolio_id, symbol=position.symbol)
    if not of_it.filter(state__in=OPEN).exists():
        detail = f"{plain(position.quantity)} {position.symbol} are left, too little to be sold; no stop covers them."
        want_incident(kind="position_dust", subject=f"position:{position.symbol}", detail=detail)
