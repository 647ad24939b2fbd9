"""Chase exits that were fired and do not get done: cancel, wait for the proof, sell what is left at today's price.

There are never two sales for one position: a new stop is armed only for what no order at the venue may still sell, and
an exit whose outcome is unknown counts as one that may. It is looked up by the executor, never sent again.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery

from apps.foundation.clock import Moment
from apps.market.domain import timeframes
from apps.market.queries import MarketClockView, closed_instruments
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order, Position
from apps.trading.operations.execution.record_venue_report import ask_to_cancel
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.lock_order import lock_order

SILENT_FOR = timedelta(seconds=10)  # on a live market
SILENT_BARS = 3  # in lock-step, where a bar is the shortest time there is
ENDED_UNDONE = (OrderState.CANCELED, OrderState.EXPIRED, OrderState.NOT_PLACED, OrderState.REJECTED)
NOTE = "The exit was not filled in time; what is left is sold at today's price."


def chase_exits(*, clock: MarketClockView, moment: Moment) -> int:
    """Ask silent exits back, and fire the stops armed in place of exits that ended undone; how many moved."""
    return _ask_silent_ones_back(clock, moment) + _hit_again(moment)


def _ask_silent_ones_back(clock: MarketClockView, moment: Moment) -> int:
    """Exits at work without a trade and without a change of state for the time given."""
    at_work = Order.objects.filter(
        is_protective=True,
        triggered_firm__isnull=False,
        state__in=[OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED],
    ).order_by("pk")
    if clock.lock_step:
        patience = SILENT_BARS * timeframes.span(clock.base_timeframe)
        moved, now = at_work.values_list("pk", "symbol", "state_firm", Max("fills__traded_firm")), moment.firm
    else:
        patience = SILENT_FOR
        moved, now = at_work.values_list("pk", "symbol", "state_wall", Max("fills__recorded_wall")), moment.wall
    silent = {pk: symbol for pk, symbol, changed, traded in moved if now - _latest(changed, traded) >= patience}
    # While an exchange is closed an exit waits there for the opening; asking it back would only lose its place.
    closed = closed_instruments(set(silent.values()), moment.firm)
    return sum(
        ask_to_cancel(order_id=pk, note=NOTE, moment=moment) for pk, symbol in silent.items() if symbol not in closed
    )


def _latest(changed: datetime, traded: datetime | None) -> datetime:
    return changed if traded is None else max(changed, traded)


def _hit_again(moment: Moment) -> int:
    """An exit that was due stays due: the stop armed for what is left counts as hit, wherever the price is now."""
    armed = Order.objects.filter(is_protective=True, state=OrderState.ARMED, triggered_firm__isnull=True)
    opened = Position.objects.filter(
        portfolio_id=OuterRef("portfolio_id"), symbol=OuterRef("symbol"), quantity__gt=0
    ).values("opened_firm")
    undone = Order.objects.filter(
        portfolio_id=OuterRef("portfolio_id"),
        symbol=OuterRef("symbol"),
        proposed_firm__gte=OuterRef("opened"),
        is_protective=True,
        triggered_firm__isnull=False,
        submitted_wall__isnull=False,
        state__in=ENDED_UNDONE,
        filled_quantity__lt=F("quantity"),
    )
    # The guard's own stops follow each other, and so do the stop-losses of one group.
    due = Q(group__isnull=True) & Q(Exists(undone.filter(group__isnull=True)))
    due |= Q(Exists(undone.filter(group=OuterRef("group"))))
    return sum(
        _mark_hit(stop, moment) for stop in armed.annotate(opened=Subquery(opened[:1])).filter(due).order_by("pk")
    )


@transaction.atomic
def _mark_hit(stop: Order, moment: Moment) -> bool:
    lock_order(stop.pk)
    hit = Order.objects.filter(pk=stop.pk, state=OrderState.ARMED, triggered_firm__isnull=True)
    if not hit.update(triggered_firm=moment.firm):
        return False
    announce_order(order_id=stop.pk, portfolio_id=stop.portfolio_id)
    return True
