"""The loops that tell committed events to the screens, each rendered by the view of the room it belongs to.

Orders have a loop of their own: the decisions of a bar of many instruments take long to show, and whoever watches an
order does not wait for them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import structlog

from apps.agents import queries as agents
from apps.foundation import live_updates
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound, RetryableFailure
from apps.foundation.loops import Loop
from apps.foundation.models import OutboxEvent
from apps.foundation.outbox import NewEvent, first_delivery, relay_outbox
from apps.management import operations as management_operations
from apps.management import queries as management
from apps.market import queries as market
from apps.trading import queries as trading

BATCH = 100
log = structlog.get_logger(__name__)

Renderer = Callable[[dict[str, Any], Moment], Any]

# Kind of event: the channel, and the view that is its frame's data.
RENDERERS: dict[str, tuple[str, Renderer]] = {
    "order.changed": ("orders", lambda told, _: trading.order_view(told["order_id"])),
    "portfolio.changed": ("portfolio", lambda _, moment: trading.portfolio_view(moment)),
    "decision.made": ("decisions", lambda told, _: agents.decision_view(told["decision_id"])),
    "decision.changed": ("decisions", lambda told, _: agents.decision_view(told["decision_id"])),
    "agent.changed": ("agents", lambda told, _: agents.agent_card(told["agent_id"])),
    "backtest.changed": ("backtests", lambda told, _: agents.backtest_line_of(told["run_id"])),
    "search.changed": ("searches", lambda told, _: agents.search_line_of(told["search_id"])),
    "break.changed": ("breaks", lambda told, _: trading.break_view(told["break_id"])),
    "system.changed": ("system", lambda _, moment: management.system_view(moment)),
}


# What is told by writing to the database.
WRITING: dict[str, Callable[..., object]] = {
    "incident.wanted": management_operations.open_incident,
    "incident.over": management_operations.clear_incident,
}

ORDERS = ("order.changed",)
DECISIONS = ("decision.made", "decision.changed")


class Batch:
    """The events of one relay step. A thing that changed more than once in it is shown once, as it stands now.

    The orders, decisions and agents of all its events are read together, one by one they would cost more than what is
    told did.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._shown: set[tuple[str, str]] = set()
        self._events: Sequence[OutboxEvent] = ()
        self._decided: set[str] = set()  # the decisions that orders which were told were made on
        self._house_portfolio = ""

    def prepare(self, events: Sequence[OutboxEvent]) -> None:
        """Note what is to be told; it is read when the first of its kind is."""
        self._events = events

    def follow(self) -> list[NewEvent]:
        """The decisions of the orders that were told are told again: their lines say bought, denied, canceled."""
        return [
            NewEvent("decision.changed", f"decision:{decision_id}", {"decision_id": decision_id})
            for decision_id in sorted(self._decided)
        ]

    @staticmethod
    def writes(event: OutboxEvent) -> bool:
        """Whether telling it writes to the database."""
        return event.kind in WRITING

    def deliver(self, event: OutboxEvent) -> None:
        """Publish the event's frame, or hand a wish for an incident to its keeper. An unknown kind is logged.

        Raises ``RetryableFailure`` while Redis is away.
        """
        if event.kind in WRITING:
            if first_delivery(consumer="incidents", event=event):  # told again it would count again
                WRITING[event.kind](**event.payload, moment=self._moment)
            return
        if event.kind not in RENDERERS:
            log.error("outbox_kind_unknown", kind=event.kind, aggregate=event.aggregate)
            return
        channel, render = RENDERERS[event.kind]
        if (channel, event.aggregate) in self._shown:
            return
        self._shown.add((channel, event.aggregate))
        if event.kind == "portfolio.changed" and event.aggregate != self._house():
            return  # the channel shows the house's own
        try:
            data = self._read(event) or render(event.payload, self._moment)
        except NotFound as gone:
            log.info("outbox_subject_gone", kind=event.kind, aggregate=event.aggregate, reason=gone.message)
            return
        if live_updates.publish(channel=channel, kind="delta", data=data, as_of=self._moment.wall) is None:
            raise RetryableFailure("Redis is away; the event is told again.", code="redis_away")
        if event.kind in ORDERS and data["decision_id"]:
            self._decided.add(data["decision_id"])

    def _house(self) -> str:
        """The aggregate of the portfolio that the house trades."""
        self._house_portfolio = self._house_portfolio or f"portfolio:{trading.find_account().portfolio_id}"
        return self._house_portfolio

    def _read(self, event: OutboxEvent) -> dict[str, Any] | None:
        """What was read of the event's subject with the others."""
        if event.kind in ORDERS:
            return self._orders.get(event.payload["order_id"])
        if event.kind in DECISIONS:
            decision_id = event.payload["decision_id"]
            return self._decisions.view(decision_id) if decision_id in self._decisions.rows else None
        if event.kind == "agent.changed":
            agent_id = event.payload["agent_id"]
            return self._cards.card(agent_id) if agent_id in self._cards.agents else None
        return None

    def _told(self, kinds: Sequence[str], name: str) -> set[str]:
        """The identifiers, called ``name``, that the events of these kinds tell of."""
        return {event.payload[name] for event in self._events if event.kind in kinds}

    @cached_property
    def _orders(self) -> dict[str, dict[str, Any]]:
        wanted = self._told(ORDERS, "order_id")
        return trading.order_views_by_id(wanted) if wanted else {}

    @cached_property
    def _decisions(self) -> agents.DecisionReading:
        wanted = self._told(DECISIONS, "decision_id")
        return agents.DecisionReading(agents.all_decisions().filter(pk__in=wanted))

    @cached_property
    def _cards(self) -> agents.CardReading:
        return agents.CardReading.of(self._told(("agent.changed",), "agent_id"))


def relay_orders() -> bool:
    """Tell one batch of what happened to orders; True when there may be more."""
    return _relay(only=ORDERS)


def relay_others() -> bool:
    """Tell one batch of everything else; True when there may be more."""
    return _relay(but=ORDERS)


def _relay(**kinds: Sequence[str]) -> bool:
    batch = Batch(market.current_moment())
    told = relay_outbox(
        deliver=batch.deliver, limit=BATCH, prepare=batch.prepare, writes=batch.writes, follow=batch.follow, **kinds
    )
    return told == BATCH


# An order's changes follow each other by milliseconds; shown one by one they would cost more than they did.
ORDERS_REST_SECONDS = 0.02
REST_SECONDS = 0.05

LOOPS = (
    Loop(name="order_relay", step=relay_orders, idle_seconds=1.0, wake="hq_outbox", rest_seconds=ORDERS_REST_SECONDS),
    Loop(name="outbox_relay", step=relay_others, idle_seconds=1.0, wake="hq_outbox", rest_seconds=REST_SECONDS),
)
