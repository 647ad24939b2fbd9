"""The loop that tells committed events to the screens, each rendered by the view of the room it belongs to."""

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
from apps.foundation.outbox import first_delivery, relay_outbox
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

# What is read for all events of a kind at once, and what the events call its identifier.
SUBJECTS = {"order.changed": "order_id", "decision.made": "decision_id", "agent.changed": "agent_id"}


class Batch:
    """The events of one relay step. A thing that changed more than once in it is shown once, as it stands now.

    The orders, decisions and agents of all its events are read together, one by one they would cost more than what is
    told did; decisions and agents only once the orders are shown, which a person waits for.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._shown: set[tuple[str, str]] = set()
        self._told: dict[str, set[str]] = {}  # by kind of event what the subjects' identifiers are
        self._orders: dict[str, dict[str, Any]] = {}
        self._house_portfolio = ""

    def prepare(self, events: Sequence[OutboxEvent]) -> None:
        """Read the orders that the events tell of, and note what else they tell of."""
        for kind, name in SUBJECTS.items():
            self._told[kind] = {event.payload[name] for event in events if event.kind == kind}
        wanted = self._told["order.changed"]
        self._orders = trading.order_views_by_id(wanted) if wanted else {}

    @staticmethod
    def writes(event: OutboxEvent) -> bool:
        """Whether telling it writes to the database."""
        return event.kind in WRITING

    @staticmethod
    def urgency(event: OutboxEvent) -> int:
        """Orders first: the decisions of a bar of many instruments take longer to show than they do."""
        return 0 if event.kind == "order.changed" else 1

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
        if (event.kind, event.aggregate) in self._shown:
            return
        self._shown.add((event.kind, event.aggregate))
        if event.kind == "portfolio.changed" and event.aggregate != self._house():
            return  # the channel shows the house's own
        try:
            data = self._read(event) or render(event.payload, self._moment)
        except NotFound as gone:
            log.info("outbox_subject_gone", kind=event.kind, aggregate=event.aggregate, reason=gone.message)
            return
        if live_updates.publish(channel=channel, kind="delta", data=data, as_of=self._moment.wall) is None:
            raise RetryableFailure("Redis is away; the event is told again.", code="redis_away")

    def show_decisions(self) -> None:
        """Show the decisions again whose orders were told: their lines say bought, denied, canceled. One whose own
        event is told in this step shows its order as it stands, and one that isn't stored yet follows.
        """
        for order_id, order in self._orders.items():
            decision_id = order["decision_id"]
            if not decision_id or ("order.changed", f"order:{order_id}") not in self._shown:
                continue
            data = None if decision_id in self._told["decision.made"] else self._decision(decision_id)
            if data is not None:
                live_updates.publish(channel="decisions", kind="delta", data=data, as_of=self._moment.wall)

    def _house(self) -> str:
        """The aggregate of the portfolio that the house trades."""
        self._house_portfolio = self._house_portfolio or f"portfolio:{trading.find_account().portfolio_id}"
        return self._house_portfolio

    def _read(self, event: OutboxEvent) -> dict[str, Any] | None:
        """What was read of the event's subject with the others."""
        if event.kind == "decision.made":
            return self._decision(event.payload["decision_id"])
        if event.kind == "agent.changed":
            agent_id = event.payload["agent_id"]
            return self._cards.card(agent_id) if agent_id in self._cards.agents else None
        return self._orders.get(event.payload.get("order_id", ""))

    def _decision(self, decision_id: str) -> dict[str, Any] | None:
        return self._decisions.view(decision_id) if decision_id in self._decisions.rows else None

    @cached_property
    def _decisions(self) -> agents.DecisionReading:
        of_orders = {order["decision_id"] for order in self._orders.values() if order["decision_id"]}
        wanted = self._told["decision.made"] | of_orders
        return agents.DecisionReading(agents.all_decisions().filter(pk__in=wanted), orders=self._orders)

    @cached_property
    def _cards(self) -> agents.CardReading:
        return agents.CardReading.of(self._told["agent.changed"])


def relay() -> bool:
    """Tell one batch; True when there may be more."""
    batch = Batch(market.current_moment())
    try:
        told = relay_outbox(
            deliver=batch.deliver, limit=BATCH, prepare=batch.prepare, writes=batch.writes, urgency=batch.urgency
        )
    finally:
        batch.show_decisions()
    return told == BATCH


# An order's changes follow each other by milliseconds; shown one by one they would cost more than they did.
REST_SECONDS = 0.05

LOOPS = (Loop(name="outbox_relay", step=relay, idle_seconds=1.0, wake="hq_outbox", rest_seconds=REST_SECONDS),)
