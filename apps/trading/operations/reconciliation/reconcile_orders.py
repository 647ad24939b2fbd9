"""Compare the orders at work with those the venue lists, and bring ours up to what it proves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.foundation.clock import Moment
from apps.foundation.errors import OutcomeUnknown
from apps.foundation.money import ZERO, plain
from apps.trading.domain.orders.order_lifecycle import AT_VENUE, TERMINAL, OrderState
from apps.trading.domain.venues.break_kinds import BreakKind
from apps.trading.domain.venues.reconciliation import OrderHere, compare_orders
from apps.trading.models import Order, ReconciliationBreak
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.execution.look_for_gone_order import look_for_gone_order
from apps.trading.operations.execution.record_venue_report import WORKING
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.operations.reconciliation.import_order import ProvenOrder, import_order
from apps.trading.operations.reconciliation.record_break import RECONCILER, Finding, heal_breaks, keep_break
from apps.trading.operations.reconciliation.take_as_sent import take_as_sent
from apps.trading.ports import Venue, VenueRefused, VenueReport

CHUNK = 5_000
LOOKUPS_A_RUN = 50
UNDECIDED_AFTER = timedelta(minutes=5)
_FIELDS = ("pk", "client_order_id", "venue_order_id", "symbol", "state", "quantity", "filled_quantity")


@dataclass(slots=True)
class OrdersCompared:
    """What one comparison saw. ``short``: how much the venue counts as filled, of orders whose trades differ."""

    listed: int = 0
    at_work: int = 0
    updated: int = 0
    imported: int = 0
    looked_up: int = 0
    short: dict[str, str] = field(default_factory=dict)


def reconcile_orders(*, venue: Venue, symbols: Sequence[str], since: datetime, moment: Moment) -> OrdersCompared:
    """Heal what evidence heals and keep the rest as breaks. Raises ``RetryableFailure``; what was done stays done.

    The venue's lists are read before ours, so an order sent meanwhile is never taken for a stranger.
    """
    listed = [*venue.open_orders(), *venue.closed_orders(symbols=symbols, since=since)]
    here = read_orders(venue.account, listed)
    found = compare_orders(here=here, there=listed)
    done = OrdersCompared(listed=len(listed), at_work=sum(order.state in AT_VENUE for order in here))
    if found.news:
        collect_fills(venue=venue, moment=moment)
    rows = Order.objects.in_bulk([order.id for order, _ in found.news])
    for order, report in found.news:
        take_venue_report(order=rows[order.id], report=report, venue=venue, moment=moment)
        done.updated += 1
    for report in found.lost:
        done.imported += _take_in(report, venue, moment)
    for order, report in found.unsent:
        done.imported += _take_unsent(order, report, venue, moment)
    for order, report in found.returned:
        _cancel_returned(order, report, venue, moment)
    for report in found.foreign:
        _keep_foreign(report, venue, moment)
    for order in _worth_asking(found.absent):
        look_for_gone_order(order_id=order.id, venue=venue, moment=moment)
        done.looked_up += 1
    _keep_undecided(venue, moment)
    done.short = _short_of_trades(found.news) | {
        f"altered:{order.id}": plain(report.quantity) or "" for order, report in found.altered
    }
    return done


def read_orders(account: str, listed: Iterable[VenueReport]) -> list[OrderHere]:
    """Our orders at work and those the venue names, in few reads."""
    ours = Order.objects.filter(account_id=account)
    rows = {row[0]: row for row in ours.filter(state__in=AT_VENUE).values_list(*_FIELDS)}
    known = {row[1] for row in rows.values()}
    names = sorted({report.client_order_id for report in listed if report.client_order_id} - known)
    for start in range(0, len(names), CHUNK):
        found = ours.filter(client_order_id__in=names[start : start + CHUNK])
        rows |= {row[0]: row for row in found.values_list(*_FIELDS)}
    known = {row[1] for row in rows.values()}
    numbers = sorted({report.venue_order_id for report in listed if report.client_order_id not in known})
    for start in range(0, len(numbers), CHUNK):
        found = ours.filter(venue_order_id__in=numbers[start : start + CHUNK])
        rows |= {row[0]: row for row in found.values_list(*_FIELDS)}
    return [
        OrderHere(pk, client, number, symbol, OrderState(state), quantity, filled)
        for pk, client, number, symbol, state, quantity, filled in rows.values()
    ]


def cancel_wanted(*, venue: Venue, moment: Moment) -> int:
    """Send the cancellations that people chose in the queue; how many. One without an outcome is sent again."""
    wanted = ReconciliationBreak.objects.filter(account_id=venue.account, cancel_wanted=True, closed_wall__isnull=True)
    sent = 0
    for row in wanted.order_by("pk"):
        order = row.facts["order"]
        if _cancel(venue, order["client_order_id"], order["symbol"], order["venue_order_id"], moment):
            sent += 1
            over = "The venue does not work it any more."
            with transaction.atomic():
                heal_breaks(breaks=Q(pk=row.pk), healing=over, moment=moment)
    return sent


def report_facts(report: VenueReport) -> dict[str, Any]:
    """An order of the venue as JSON."""
    return {
        "client_order_id": report.client_order_id,
        "venue_order_id": report.venue_order_id,
        "symbol": report.symbol,
        "side": report.side,
        "type": report.type,
        "state": report.state,
        "quantity": plain(report.quantity),
        "filled_quantity": plain(report.filled_quantity),
        "limit_price": plain(report.limit_price),
        "accepted_at": report.accepted_firm.isoformat(),
    }


def _take_in(report: VenueReport, venue: Venue, moment: Moment) -> bool:
    """An order in the form of our ids without a row: a restored database, or a second copy of this house."""
    working = report.state in {"OPEN", "PARTIALLY_FILLED"}
    facts: dict[str, Any] = {"order": report_facts(report)}
    words = _words(report)
    if report.quantity is None:
        detail = f"{words} has an id of our making and no quantity."
        keep_break(_finding(BreakKind.BAD_ANSWER, report, venue, detail, facts), moment=moment)
        return False
    proven = ProvenOrder(
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        quantity=report.quantity,
        limit_price=report.limit_price,
        accepted_firm=report.accepted_firm,
        evidence=facts["order"],
    )
    reason = "Its id is of our making, and our books lacked it."
    order_id = import_order(proven=proven, account=venue.account, actor=RECONCILER, reason=reason, moment=moment)
    finding = Finding(
        account=venue.account,
        kind=BreakKind.UNKNOWN_ORDER,
        cause=f"order:{report.symbol}:{report.venue_order_id}",
        detail=f"{words} has an id of our making, and our books lacked it.",
        symbol=report.symbol,
        order_id=order_id,
        facts=facts,
        healing="It was taken into our books from the venue's own account of it, with the trades it made.",
        healed=not working,
    )
    keep_break(finding, moment=moment)
    order = Order.objects.get(pk=order_id)
    take_venue_report(order=order, report=report, venue=venue, moment=moment)
    return True


def _take_unsent(order: OrderHere, report: VenueReport, venue: Venue, moment: Moment) -> bool:
    """One that our books would send again: the lists were read first, so this house sent it and forgot it."""
    words = _words(report)
    if not take_as_sent(order_id=order.id, quantity=report.quantity, evidence=f"{words} is there.", moment=moment):
        return False
    finding = Finding(
        account=venue.account,
        kind=BreakKind.UNKNOWN_ORDER,
        cause=f"order:{report.symbol}:{report.venue_order_id}",
        detail=f"{words} is there, and our books held it as {order.state}, not sent.",
        symbol=report.symbol,
        order_id=order.id,
        facts={"order": report_facts(report)},
        healing="It was brought up to the venue's own account of it, with the trades it made; it is not sent again.",
        healed=True,
    )
    keep_break(finding, moment=moment)
    take_venue_report(order=Order.objects.get(pk=order.id), report=report, venue=venue, moment=moment)
    return True


def _cancel_returned(order: OrderHere, report: VenueReport, venue: Venue, moment: Moment) -> None:
    """Ended in our books, at work there, and still so when asked by name: whatever it was, it is not wanted."""
    row = Order.objects.get(pk=order.id)
    if row.state not in TERMINAL or row.done_wall is None or moment.wall - row.done_wall < venue.request_life:
        return  # the venue's list may lag behind what it answered a moment ago
    now = venue.find(client_order_id=order.client_order_id, symbol=order.symbol, venue_order_id=report.venue_order_id)
    if now is None or now.state not in {"OPEN", "PARTIALLY_FILLED"}:
        return
    detail = f"{_words(report)} works at the venue, though our books ended it as {row.state}."
    canceled = _cancel(venue, order.client_order_id, order.symbol, report.venue_order_id, moment)
    finding = Finding(
        account=venue.account,
        kind=BreakKind.UNKNOWN_ORDER,
        cause=f"order:{report.symbol}:{report.venue_order_id}",
        detail=detail,
        symbol=report.symbol,
        order_id=order.id,
        facts={"order": report_facts(report)},
        healing="The house cancelled it at the venue." if canceled else "The house asked the venue to cancel it.",
        healed=canceled,
    )
    keep_break(finding, moment=moment)


def _cancel(venue: Venue, client_id: str, symbol: str, number: str, moment: Moment) -> bool:
    """Whether the venue says that it does not work the order (any more)."""
    try:
        answer = venue.cancel(client_order_id=client_id, symbol=symbol, venue_order_id=number or None, moment=moment)
    except (VenueRefused, OutcomeUnknown):
        return False
    return answer.state not in {"OPEN", "PARTIALLY_FILLED"}


def _keep_foreign(report: VenueReport, venue: Venue, moment: Moment) -> None:
    now = venue.find(client_order_id="", symbol=report.symbol, venue_order_id=report.venue_order_id)
    if now is None or now.state not in {"OPEN", "PARTIALLY_FILLED"}:
        return
    detail = f"{_words(report)} works on this account, and this house never sent it."
    keep_break(_finding(BreakKind.FOREIGN_ORDER, report, venue, detail, {"order": report_facts(report)}), moment=moment)


def _finding(kind: BreakKind, report: VenueReport, venue: Venue, detail: str, facts: dict[str, Any]) -> Finding:
    return Finding(
        account=venue.account,
        kind=kind,
        cause=f"order:{report.symbol}:{report.venue_order_id}",
        detail=detail,
        symbol=report.symbol,
        facts=facts,
        healing="New risk is kept out of the instrument; nothing was done at the venue.",
    )


def _worth_asking(absent: list[OrderHere]) -> list[OrderHere]:
    """Listed nowhere there. Those being sent, or of unknown outcome, have a search of their own."""
    return [order for order in absent if order.state in WORKING][:LOOKUPS_A_RUN]


def _keep_undecided(venue: Venue, moment: Moment) -> None:
    old = Order.objects.filter(
        account_id=venue.account, state=OrderState.UNKNOWN, submitted_wall__lte=moment.wall - UNDECIDED_AFTER
    )
    for order in old.order_by("submitted_wall", "pk"):
        words = f"{order.side} {plain(order.quantity)} {order.symbol}"
        keep_break(
            Finding(
                account=venue.account,
                kind=BreakKind.UNDECIDED_ORDER,
                cause=f"undecided:{order.pk}",
                detail=f"The order to {words} was sent, and nobody could find out what became of it.",
                symbol=order.symbol,
                order_id=order.pk,
                facts={"client_order_id": order.client_order_id, "funds": plain(order.reserved_left)},
                healing="Its funds stay reserved, and it is looked up again and again.",
            ),
            moment=moment,
        )


def _short_of_trades(news: list[tuple[OrderHere, VenueReport]]) -> dict[str, str]:
    """Orders whose filled quantity there is still another than the sum of their trades here."""
    filled = dict(Order.objects.filter(pk__in=[order.id for order, _ in news]).values_list("pk", "filled_quantity"))
    return {
        f"filled:{order.id}": plain(report.filled_quantity) or ""
        for order, report in news
        if report.filled_quantity != filled.get(order.id, ZERO)
    }


def _words(report: VenueReport) -> str:
    size = plain(report.quantity) or "?"
    name = report.client_order_id or "without a client id"
    return f"The order {report.venue_order_id} ({name}) to {report.side} {size} {report.symbol}"
