"""What a transaction tells of its orders at its end, in two round trips: each order once, then the audit entries."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.correlation import current_correlation_id
from apps.foundation.outbox import NewEvent, record_events
from apps.trading.models import Order
from apps.trading.operations.orders.announce_changes import order_event, portfolio_event


@dataclass(slots=True)
class Tidings:
    """Collects; nothing is written before ``send``, which the collector must call inside its transaction."""

    portfolio_id: UUID
    _events: dict[str, NewEvent] = field(default_factory=dict)
    _entries: list[audit.NewEntry] = field(default_factory=list)

    def order(self, order: Order) -> None:
        """The order changed; told under its own correlation id."""
        self.order_id(order.pk, correlation_id=order.correlation_id)

    def order_id(self, order_id: UUID, *, correlation_id: str = "") -> None:
        told = correlation_id or current_correlation_id() or ""
        event = order_event(order_id)
        self._events.setdefault(event.aggregate, replace(event, correlation_id=told))

    def entry(self, *, action: str, actor: str, subject: str, payload: dict[str, Any]) -> None:
        """An act for the account's chain."""
        self._entries.append(audit.NewEntry(audit.account_chain(self.portfolio_id), action, actor, subject, payload))

    def send(self, moment: Moment) -> None:
        """Write all; the audit entries last, since they lock their chain."""
        if self._events:
            record_events([*self._events.values(), portfolio_event(self.portfolio_id)])
        audit.append_entries(self._entries, moment=moment)
        self._events.clear()
        self._entries.clear()
