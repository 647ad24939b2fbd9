"""Take one trade a venue told of into the books; one that can't be posted becomes a break and holds up no other."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import structlog
from django.db import IntegrityError

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.books.positions import FillExceedsPositionError
from apps.trading.domain.orders.order_lifecycle import UNSENT
from apps.trading.domain.venues.break_kinds import BreakKind
from apps.trading.domain.venues.reconciliation import in_our_form
from apps.trading.models import Fill, Order
from apps.trading.operations.books.apply_fill import FillWithoutOrderError, OverFillError, apply_fill, apply_fills
from apps.trading.operations.reconciliation.record_break import Finding, keep_break
from apps.trading.operations.reconciliation.take_as_sent import take_as_sent
from apps.trading.ports import Venue, VenueFill

log = structlog.get_logger(__name__)
TOGETHER = 50  # trades posted in one transaction, which holds the portfolio's lock
FLOOR = "ledger_no_overspending"
NOT_POSTED = "The trade was not posted; no other is held up by it."


def take_fill(*, fill: VenueFill, venue: Venue, moment: Moment, final: bool = False) -> bool:
    """Post the trade; True when it is new in the books. What a venue says of it never raises.

    A trade of an order that the venue itself can't name (yet) is left for the reconciliation, which reads it again and
    is ``final``. Raises ``RetryableFailure`` when the venue has to be asked whose trade it is and does not answer.
    """
    named = _with_client_id(fill, venue)
    if named is None:
        if not final:
            log.info("trade_without_order_left", account=venue.account, trade=fill.venue_trade_id)
            return False
        named = fill
    return _post_or_hold(named, venue, moment)


def take_fills(*, fills: Sequence[VenueFill], venue: Venue, moment: Moment, final: bool = False) -> set[str]:
    """``take_fill`` of several in their order; the venue's ids of those that are new in the books.

    Trades of orders known by what the venue names are posted many to a transaction; where one of those can't be, each
    of them is taken alone, so that it holds up no other.
    """
    known = _known_by_venue(fills, venue.account)
    new: set[str] = set()
    for told, group in groupby(fills, lambda fill: _names_order(fill, known)):
        rest = list(group)
        for start in range(0, len(rest), TOGETHER):
            some = rest[start : start + TOGETHER]
            new |= _take_some(some, venue, moment, together=told, final=final)
    return new


def posted_trades(account: str, names: Sequence[str]) -> set[str]:
    """Those of the venue's trade ids that are in the books: venues tell of a trade again and again."""
    if not names:
        return set()
    found = Fill.objects.filter(account_id=account, venue_trade_id__in=names)
    return set(found.values_list("venue_trade_id", flat=True))


def _take_some(
    fills: Sequence[VenueFill], venue: Venue, moment: Moment, *, together: bool, final: bool
) -> frozenset[str]:
    if together and len(fills) > 1:
        try:
            return apply_fills(fills=fills, account=venue.account, moment=moment)
        except (FillWithoutOrderError, OverFillError, FillExceedsPositionError):
            pass  # which of them it is, and what is kept of it, is found one by one
        except IntegrityError as error:
            if not breaks_constraint(error, FLOOR):
                raise
    taken = (fill for fill in fills if take_fill(fill=fill, venue=venue, moment=moment, final=final))
    return frozenset(fill.venue_trade_id for fill in taken)


def _known_by_venue(fills: Sequence[VenueFill], account: str) -> set[tuple[str, str]]:
    unnamed = {fill.venue_order_id for fill in fills if not fill.client_order_id and fill.venue_order_id}
    if not unnamed:
        return set()
    rows = Order.objects.filter(account_id=account, venue_order_id__in=unnamed)
    return {(symbol, str(name)) for symbol, name in rows.values_list("symbol", "venue_order_id")}


def _names_order(fill: VenueFill, known: set[tuple[str, str]]) -> bool:
    return bool(fill.client_order_id) or (fill.symbol, fill.venue_order_id) in known


def _with_client_id(fill: VenueFill, venue: Venue) -> VenueFill | None:
    """The fill with the id its order was sent under, asked of the venue where our books can't tell; None: it can't."""
    if fill.client_order_id or not fill.venue_order_id:
        return fill
    ours = Order.objects.filter(account_id=venue.account, symbol=fill.symbol, venue_order_id=fill.venue_order_id)
    if ours.exists():
        return fill
    report = venue.find(client_order_id="", symbol=fill.symbol, venue_order_id=fill.venue_order_id)
    return None if report is None else replace(fill, client_order_id=report.client_order_id)


def _post_or_hold(fill: VenueFill, venue: Venue, moment: Moment) -> bool:
    account = venue.account
    try:
        return apply_fill(fill=fill, account=account, moment=moment)
    except FillWithoutOrderError as error:
        if _was_sent_after_all(fill, venue, moment):
            return _post_or_hold(fill, venue, moment)
        keep_break(_without_order(fill, account, str(error)), moment=moment)
    except (OverFillError, FillExceedsPositionError) as error:
        detail = f"{_words(fill)}, which is more than there is room for: {error}"
        keep_break(_held_back(BreakKind.OVER_FILL, fill, account, detail), moment=moment)
    except IntegrityError as error:
        if not breaks_constraint(error, FLOOR):
            raise
        short = "money" if fill.side == "buy" else "units"
        detail = f"{_words(fill)}, but the {short} it needs are not free in our books: another order holds them."
        keep_break(_held_back(BreakKind.MISSING_FILL, fill, account, detail), moment=moment)
    return False


def _was_sent_after_all(fill: VenueFill, venue: Venue, moment: Moment) -> bool:
    """Whether the order of the trade waits to be sent here and the venue shows it; from now on it is not sent.

    Where the venue tells of its trade and does not show the order (yet), it is UNKNOWN and looked up like any other.
    """
    unsent = Order.objects.filter(account_id=venue.account, client_order_id=fill.client_order_id, state__in=UNSENT)
    order = unsent.first() if fill.client_order_id else None
    if order is None:
        return False
    report = venue.find(client_order_id=order.client_order_id, symbol=order.symbol)
    quantity = None if report is None else report.quantity
    taken = take_as_sent(order_id=order.pk, quantity=quantity, evidence=f"{_words(fill)}.", moment=moment)
    return taken and report is not None


def breaks_constraint(error: IntegrityError, name: str) -> bool:
    """Whether the database refused by this constraint."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == name


def fill_facts(fill: VenueFill) -> dict[str, Any]:
    """The whole trade as JSON, from which it can be adopted later."""
    return {
        "venue_trade_id": fill.venue_trade_id,
        "client_order_id": fill.client_order_id,
        "venue_order_id": fill.venue_order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "liquidity": fill.liquidity,
        "executed_at": fill.executed_firm.isoformat(),
    }


def trade_cause(fill: VenueFill) -> str:
    """One cause a trade, whatever is the matter with it."""
    return f"trade:{fill.symbol}:{fill.venue_trade_id}"


def _without_order(fill: VenueFill, account: str, why: str) -> Finding:
    if in_our_form(fill.client_order_id):
        detail = f"{_words(fill)} for an id of our making. {why}"
        return _held_back(BreakKind.MISSING_FILL, fill, account, detail)
    whose = f"order {fill.venue_order_id}" if fill.venue_order_id else "an order without an id"
    detail = f"{_words(fill)} by {whose}, which this house never sent."
    return _held_back(BreakKind.FOREIGN_TRADE, fill, account, detail)


def _held_back(kind: BreakKind, fill: VenueFill, account: str, detail: str) -> Finding:
    return Finding(
        account=account,
        kind=kind,
        cause=trade_cause(fill),
        detail=detail,
        symbol=fill.symbol,
        facts={"trade": fill_facts(fill)},
        healing=NOT_POSTED,
    )


def _words(fill: VenueFill) -> str:
    done = "bought" if fill.side == "buy" else "sold"
    return f"Trade {fill.venue_trade_id} {done} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
