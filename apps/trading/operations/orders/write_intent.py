"""The single door through which an order row is born: row, history, reservation, events and audit together."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.correlation import current_correlation_id
from apps.foundation.database_calls import call
from apps.foundation.identifiers import new_id
from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import Posting, reservation
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.order_types import TRIGGERED_TYPES
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_gate import GateDecision
from apps.trading.domain.risk.risk_verdict import verdicts_as_text
from apps.trading.models import Order
from apps.trading.operations.books.post_transfer import in_order, transfer_id

_COLUMNS = tuple(field.attname for field in Order._meta.concrete_fields)  # noqa: SLF001 - Django's documented _meta
_DEFAULTS: dict[str, Any] = {
    "filled_quantity": ZERO,
    "filled_cost": ZERO,
    "fees": ZERO,
    "reserved_asset": "",
    "reserved_amount": ZERO,
    "reserved_left": ZERO,
    "cancel_wanted": False,
    "is_protective": False,
    "epoch": 0,
    "role": "",
    "reject_code": "",
    "reject_detail": "",
}


def write_intent(*, book: Book, intent: OrderIntent, facts: GateFacts, decision: GateDecision, moment: Moment) -> Order:
    """Store a judged intent inside the running transaction and return its row.

    Denied: a finished order with its reasons, no reservation. Approved: reserved funds, and APPROVED (to be sent) or
    ARMED (waits for its trigger). One round trip; the audit entry, which locks its chain, comes last in it.
    """
    verdicts = verdicts_as_text(decision.verdicts)
    row = _row(book, intent, facts, decision, moment)
    postings: Sequence[Posting] = ()
    if decision.allowed:
        postings = reservation(
            side=intent.side, asset=row["reserved_asset"], amount=row["reserved_amount"], budget=facts.order.budget
        )
    _write(row, verdicts, postings, _audit_entry(row, decision))
    row["verdicts"] = orjson.loads(verdicts)
    return Order.from_db(connection.alias, _COLUMNS, list(row.values()))


def _row(book: Book, intent: OrderIntent, facts: GateFacts, decision: GateDecision, moment: Moment) -> dict[str, Any]:
    order_id = intent.order_id or new_id()
    row: dict[str, Any] = dict.fromkeys(_COLUMNS) | _DEFAULTS
    for name in ("symbol", "side", "type", "notional", "limit_price", "stop_price", "trail_pct", "time_in_force"):
        row[name] = getattr(intent, name)
    for name in ("trail_amount", "trail_extreme", "group_id", "role", "replaces_id"):
        row[name] = getattr(intent, name)
    for name in ("reduce_only", "post_only", "reason", "origin", "actor", "decision_id", "agent_id", "expires_firm"):
        row[name] = getattr(intent, name)
    row |= {
        "id": order_id,
        "client_order_id": order_id.hex,
        "portfolio_id": book.portfolio_id,
        "account_id": book.account,
        "quantity": facts.order.quantity,
        "budget": facts.order.budget,
        "mark_price": facts.market.mark,
        "correlation_id": current_correlation_id() or "",
        "gate_digest": decision.digest,
        "proposed_wall": moment.wall,
        "proposed_firm": moment.firm,
        "state_wall": moment.wall,
        "state_firm": moment.firm,
        "state_actor": "risk gate",
        "state_note": decision.summary,
    }
    return row | (_approval(intent, facts, moment) if decision.allowed else _denial(decision, moment))


def _approval(intent: OrderIntent, facts: GateFacts, moment: Moment) -> dict[str, Any]:
    needed = facts.order.needs or ZERO
    return {
        "state": OrderState.ARMED if intent.type in TRIGGERED_TYPES else OrderState.APPROVED,
        "approved_wall": moment.wall,
        "reserved_asset": facts.order.needs_asset,
        "reserved_amount": needed,
        "reserved_left": needed,
    }


def _denial(decision: GateDecision, moment: Moment) -> dict[str, Any]:
    return {
        "state": OrderState.DENIED,
        "done_wall": moment.wall,
        "reject_code": decision.denials[0].code,
        "reject_detail": decision.summary,
    }


def _write(row: dict[str, Any], verdicts: bytes, postings: Sequence[Posting], entry: audit.NewEntry) -> None:
    wanted: dict[str, Any] = {
        "order": {name: value for name, value in row.items() if value is not None},
        "audit": {
            "chain": entry.chain,
            "action": entry.action,
            "actor": entry.actor,
            "subject": entry.subject,
            "payload": audit.canonical(entry.payload),
        },
    }
    if postings:
        cause = transfer_id(cause_kind="reserve", cause_id=str(row["id"]), order_id=row["id"])
        wanted |= {"transfer": cause, "postings": in_order(postings)}
    call("hq_write_intent", orjson.dumps(wanted, default=_json).decode(), verdicts.decode())


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _audit_entry(row: dict[str, Any], decision: GateDecision) -> audit.NewEntry:
    payload = {
        "state": str(row["state"]),
        "account": row["account_id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "type": row["type"],
        "quantity": plain(row["quantity"]),
        "limit_price": plain(row["limit_price"]),
        "stop_price": plain(row["stop_price"]),
        "origin": row["origin"],
        "decision_id": str(row["decision_id"]) if row["decision_id"] else None,
        "gate_digest": decision.digest,
        "denials": [verdict.code for verdict in decision.denials],
        "reserved": plain(row["reserved_amount"]),
        "reserved_asset": row["reserved_asset"],
    }
    chain, subject = audit.account_chain(row["portfolio_id"]), f"order:{row['id']}"
    return audit.NewEntry(chain, "order.proposed", row["actor"], subject, payload)
