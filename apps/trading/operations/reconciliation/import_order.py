"""Take an order into the books that the venue proves and our books lack: after a restore, or adopted by a person."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.foundation.money import ZERO
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import AVAILABLE, reservation
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.venues.reconciliation import in_our_form
from apps.trading.models import Account, LedgerAccount, Order
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.change_order_state import change_order_state

ORIGIN = "venue"


@dataclass(frozen=True, slots=True)
class ProvenOrder:
    """What the venue proves of an order. ``evidence`` is kept with it, as JSON."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    limit_price: Decimal | None
    accepted_firm: datetime
    evidence: dict[str, Any]


def import_order(*, proven: ProvenOrder, account: str, actor: str, reason: str, moment: Moment) -> UUID:
    """The id of the order's row, which is ACCEPTED from now on; its trades and its end come in like those of any other.

    Importing it again answers the same row. A buy at work reserves what is free of what it may still cost. It never
    went through the gate: the one verdict it carries says who took it in, and on what evidence.
    """
    order_id = _order_id(proven, account)
    with transaction.atomic():
        row = Account.objects.select_related("portfolio").get(pk=account)
        type(row.portfolio).objects.select_for_update().get(pk=row.portfolio_id)
        if Order.objects.filter(pk=order_id).exists():
            return order_id
        born = _born(order_id, proven, row, f"{reason} Taken in by {actor}.", moment)
        Order.objects.create(**born, actor=actor, state_actor=actor)
        _reserve(order_id, proven, row, moment)
        for before, after in (
            (OrderState.APPROVED, OrderState.SUBMITTING),
            (OrderState.SUBMITTING, OrderState.ACCEPTED),
        ):
            change_order_state(
                order_id=order_id, before={before}, after=after, actor=actor, moment=moment, note="The venue has it."
            )
        announce_order(order_id=order_id, portfolio_id=row.portfolio_id)
        audit.append(
            chain=audit.account_chain(row.portfolio_id),
            action="order.imported",
            actor=actor,
            subject=f"order:{order_id}",
            payload={"reason": reason, "evidence": proven.evidence},
            moment=moment,
        )
    return order_id


def _order_id(proven: ProvenOrder, account: str) -> UUID:
    """Its own id where the venue tells it; else one that follows from the venue's number of it."""
    if in_our_form(proven.client_order_id):
        return UUID(hex=proven.client_order_id.replace("-", ""))
    return derived_id("imported", account, proven.symbol, proven.venue_order_id or proven.client_order_id)


def _born(order_id: UUID, proven: ProvenOrder, account: Account, reason: str, moment: Moment) -> dict[str, Any]:
    verdicts = [
        {
            "rule": "imported",
            "allowed": True,
            "code": "venue_has_it",
            "detail": f"The venue has it; the gate never judged it. {reason}",
            "inputs": proven.evidence,
        }
    ]
    copied = ("symbol", "side", "type", "quantity", "limit_price", "accepted_firm")
    walls = ("proposed_wall", "approved_wall", "submitted_wall", "state_wall")
    return {
        **{name: getattr(proven, name) for name in copied},
        **dict.fromkeys(walls, moment.wall),
        "id": order_id,
        "portfolio_id": account.portfolio_id,
        "account_id": account.pk,
        "client_order_id": order_id.hex,
        "venue_order_id": proven.venue_order_id or None,
        "origin": ORIGIN,
        "reason": reason,
        "state": OrderState.APPROVED,
        "state_firm": moment.firm,
        "state_note": "Taken in from the venue.",
        "verdicts": verdicts,
        "gate_digest": hashlib.sha256(json.dumps(verdicts, sort_keys=True).encode()).hexdigest(),
        "proposed_firm": moment.firm,
    }


def _reserve(order_id: UUID, proven: ProvenOrder, account: Account, moment: Moment) -> None:
    if proven.side != "buy" or proven.limit_price is None:
        return
    quote = split_symbol(proven.symbol)[1]
    free = LedgerAccount.objects.filter(
        portfolio_id=account.portfolio_id, asset=quote, kind=AVAILABLE, budget="firm"
    ).values_list("balance", flat=True)
    amount = min(times(proven.quantity, proven.limit_price), next(iter(free), ZERO))
    if amount <= 0:
        return
    Order.objects.filter(pk=order_id).update(reserved_asset=quote, reserved_amount=amount, reserved_left=amount)
    post_transfer(
        portfolio_id=account.portfolio_id,
        cause_kind="reserve",
        cause_id=str(order_id),
        postings=reservation(side="buy", asset=quote, amount=amount),
        moment=moment,
        order_id=order_id,
    )
