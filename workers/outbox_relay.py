"""The loop that tells committed events to the screens, each rendered by the view of the room it belongs to."""

from collections.abc import Callable, Sequence
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


class Batch:
    """The events of one relay step. A thing that changed more than once in it is shown once, as it stands now.

    The orders, decisions and agents of all its events are read together: one by one they would cost more than what is
    told did.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._shown: set[tuple[str, str]] = set()
        self._orders: dict[str, dict[str, Any]] = {}
        self._decisions = agents.DecisionReading([])
        self._cards = agents.CardReading([])
        self._house_portfolio = ""

    def prepare(self, events: Sequence[OutboxEvent]) -> None:
        """Read the orders, decisions and agents that the events tell of."""
        ids = {event.payload["order_id"] for event in events if event.kind == "order.changed"}
        self._orders = trading.order_views_by_id(ids) if ids else {}
        made = {event.payload["decision_id"] for event in events if event.kind == "decision.made"}
        made |= {order["decision_id"] for order in self._orders.values() if order["decision_id"]}
        if made:
            self._decisions = agents.DecisionReading(agents.all_decisions().filter(pk__in=made))
        changed = {event.payload["agent_id"] for event in events if event.kind == "agent.changed"}
        if changed:
            self._cards = agents.CardReading.of(changed)

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
        if event.kind == "order.changed" and data["decision_id"]:
            self._show_decision(data["decision_id"])

    def _house(self) -> str:
        """The aggregate of the portfolio that the house trades."""
        self._house_portfolio = self._house_portfolio or f"portfolio:{trading.find_account().portfolio_id}"
        return self._house_portfolio

    def _read(self, event: OutboxEvent) -> dict[str, Any] | None:
        """What ``prepare`` has read of the event's subject."""
        if event.kind == "decision.made":
            return self._decision(event.payload["decision_id"])
        if event.kind == "agent.changed":
            agent_id = event.payload["agent_id"]
            return self._cards.card(agent_id) if agent_id in self._cards.agents else None
        return self._orders.get(event.payload.get("order_id", ""))

    def _decision(self, decision_id: str) -> dict[str, Any] | None:
        return self._decisions.view(decision_id) if decision_id in self._decisions.rows else None

    def _show_decision(self, decision_id: str) -> None:
        """A decision's line tells of its order as it stands: bought, denied, canceled."""
        data = self._decision(decision_id)
        if data is None:  # its order came first; the decision's own event follows
            return
        live_updates.publish(channel="decisions", kind="delta", data=data, as_of=self._moment.wall)


def relay() -> bool:
    """Tell one batch; True when there may be more."""
    batch = Batch(market.current_moment())
    return relay_outbox(deliver=batch.deliver, limit=BATCH, prepare=batch.prepare, writes=batch.writes) == BATCH


# An order's changes follow each other by milliseconds; shown one by one they would cost more than they did.
REST_SECONDS = 0.05

LOOPS = (Loop(name="outbox_relay", step=relay, idle_seconds=1.0, wake="hq_outbox", rest_seconds=REST_SECONDS),)
