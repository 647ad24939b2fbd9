"""Amend an order by replacing it: a new row linked to the old one, never two of them at work at once.

What has not left the house is replaced in one transaction. What works at the venue is asked back first; the new order
waits as PROPOSED and is judged once the old one is proven dead (``judge_replacement``).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.correlation import current_correlation_id
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.money import plain
from apps.trading.domain.orders.order_groups import ENTRY, TAKE_PROFIT
from apps.trading.domain.orders.order_intent import OrderIntent, check_intent
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_market import MarketReading, read_market
from apps.trading.operations.orders.settle_groups import OURS
from apps.trading.operations.protection.amend_exit import amend_exit, move_take_profit
from apps.trading.queries.order_views import order_view

AMENDABLE = ("quantity", "limit_price", "stop_price", "trail_pct", "trail_amount", "expires_firm")
AT_WORK = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})
_KEPT = {field.name for field in fields_of(OrderIntent)} & {field.attname for field in Order._meta.concrete_fields}  # noqa: SLF001 - Django's documented _meta


_UNKNOWN = ("outcome_unknown", "Nobody knows yet what became of sending it. Amend it once its state is known.")
_NOT_NOW: dict[OrderState, tuple[str, str]] = {
    OrderState.SUBMITTING: _UNKNOWN,
    OrderState.UNKNOWN: _UNKNOWN,
    OrderState.PROPOSED: (
        "replacement_waits",
        "It waits for the order it replaces to end. Amend it once it is at work.",
    ),
    OrderState.PENDING_CANCEL: (
        "cancel_pending",
        "Its cancellation was asked for. Place a new order once it has ended.",
    ),
}


class _DeniedError(Exception):
    """Rolls the replacement back: the old order goes on as it was."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.reject_detail)
        self.order = order


def amend_order(
    *, order_id: UUID, changes: Mapping[str, Any], actor: str, reason: str, moment: Moment, privileged: bool = False
) -> dict[str, Any]:
    """The view of the order that takes the old one's place; ``changes`` holds some of ``AMENDABLE``.

    ``quantity`` is the new total, what is filled already included. Raises ``NotFound``; ``Refused`` naming the field;
    ``Conflict`` for an order that is finished, being sent or cancelled, of unknown outcome (``outcome_unknown``), that
    belongs to the stop guard, or whose new form the gate denies (``amend_denied``): then the old one goes on.
    """
    known = Order.objects.filter(pk=order_id).first()
    if known is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    reading = read_market(symbol=known.symbol, moment=moment)
    try:
        with transaction.atomic():
            book = lock_book(
                account=known.account_id,
                rules=reading.rules,
                moment=moment,
                agent_id=known.agent_id,
            )
            order = Order.objects.select_for_update().get(pk=order_id)
            _check_state(order)
            if order.role and order.role != ENTRY and order.state == OrderState.ARMED:
                return order_view(amend_exit(order=order, changes=changes, actor=actor, moment=moment))
            if order.role == TAKE_PROFIT:
                move_take_profit(order=order, changes=changes)
            intent = replace(
                _amended(order, changes), actor=actor, reason=reason or order.reason, privileged=privileged
            )
            if order.state in AT_WORK:
                return order_view(_replace_at_venue(order, intent, book.account, moment))
            return order_view(_replace_here(order, intent, reading, moment))
    except _DeniedError as denial:
        _record_denial(order_id, denial.order, actor, moment)
        raise Conflict(
            f"The amended order is denied, so the order goes on unchanged. {denial.order.reject_detail}",
            code="amend_denied",
            denied_by=denial.order.reject_code,
        ) from denial


def _check_state(order: Order) -> None:
    """Raise ``Conflict`` unless the order can be replaced now."""
    refusal = _refusal(order)
    if refusal is not None:
        code, sentence = refusal
        raise Conflict(sentence, code=code, state=str(order.state))


def _refusal(order: Order) -> tuple[str, str] | None:
    if order.is_protective and order.group_id is None:
        return "protective_stop", "This stop protects a position and belongs to the stop guard."
    if order.state in TERMINAL:
        return "order_finished", f"The order is finished already: {order.state}. Place a new one."
    if order.cancel_wanted:
        return _NOT_NOW[OrderState.PENDING_CANCEL]
    if order.state == OrderState.ARMED and order.triggered_firm is not None:
        return "triggered", "Its trigger was hit and it is being sent. Amend it once it is at work."
    return _NOT_NOW.get(OrderState(order.state))


def _amended(order: Order, changes: Mapping[str, Any]) -> OrderIntent:
    """The order as an intent with the changes in it. Raises ``Refused`` for what can't be understood."""
    unknown = set(changes) - set(AMENDABLE)
    if unknown:
        raise Refused(
            f"{min(unknown)} can't be amended; these can: {', '.join(AMENDABLE)}.",
            code="not_amendable",
            field=min(unknown),
        )
    kept = {name: getattr(order, name) for name in _KEPT}
    different = {name: value for name, value in changes.items() if value != kept.get(name)}
    if not different:
        raise Refused("Nothing would change; give at least one new value.", code="nothing_changed", field="quantity")
    quantity = changes.get("quantity", order.quantity)
    if quantity <= order.filled_quantity:
        raise Refused(
            f"quantity is the new total and must lie above the {plain(order.filled_quantity)} filled already, was "
            f"{plain(quantity)}. Cancel the order to keep what is filled.",
            code="already_filled",
            field="quantity",
        )
    if order.type == "trailing_stop":
        kept["stop_price"] = None  # it follows from the best price and the distance
        if {"trail_pct", "trail_amount"} & changes.keys():
            kept |= {"trail_pct": None, "trail_amount": None}
    wanted = kept | dict(changes) | {"notional": None, "quantity": quantity, "account": order.account_id}
    intent = OrderIntent(**wanted)
    check_intent(intent)
    return replace(intent, replaces_id=order.pk, order_id=new_id(), decision_id=order.decision_id)


def _replace_here(order: Order, intent: OrderIntent, reading: MarketReading, moment: Moment) -> UUID:
    """Take the old one back and place the new one in one step; a denial of the new one undoes both."""
    change_order_state(
        order_id=order.pk, before=OURS, after=OrderState.CANCELED, actor=intent.actor, note=_note(intent), moment=moment
    )
    book = lock_book(
        account=order.account_id,
        rules=reading.rules,
        moment=moment,
        agent_id=order.agent_id,
    )
    new = place(intent=intent, reading=reading, book=book, moment=moment)
    if new.state == OrderState.DENIED:
        raise _DeniedError(new)
    return new.pk


def _replace_at_venue(order: Order, intent: OrderIntent, account: str, moment: Moment) -> UUID:
    verdicts = [
        {
            "rule": "replacement",
            "allowed": True,
            "code": "waits",
            "detail": "It is judged once the order it replaces is proven to have ended.",
            "inputs": {"replaces": str(order.pk)},
        }
    ]
    kept = {name: getattr(intent, name) for name in _KEPT}
    order_id = intent.order_id or new_id()
    new = Order.objects.create(
        **kept,
        id=order_id,
        portfolio_id=order.portfolio_id,
        account_id=account,
        client_order_id=order_id.hex,
        budget=order.budget,
        correlation_id=current_correlation_id() or "",
        verdicts=verdicts,
        gate_digest=hashlib.sha256(json.dumps(verdicts, sort_keys=True).encode()).hexdigest(),
        proposed_wall=moment.wall,
        proposed_firm=moment.firm,
        state=OrderState.PROPOSED,
        state_wall=moment.wall,
        state_firm=moment.firm,
        state_actor=intent.actor,
    )
    change_order_state(
        order_id=order.pk,
        before=AT_WORK,
        after=OrderState.PENDING_CANCEL,
        actor=intent.actor,
        note=_note(intent),
        moment=moment,
    )
    after_commit.enqueue("workers.execution.send_cancel", queue="execution", expires=60, order_id=str(order.pk))
    announce_order(order_id=new.pk, portfolio_id=new.portfolio_id)
    audit.append(
        chain=audit.account_chain(order.portfolio_id),
        action="order.replacement_wanted",
        actor=intent.actor,
        subject=f"order:{new.pk}",
        payload={"replaces": str(order.pk), "quantity": plain(new.quantity), "limit_price": plain(new.limit_price)},
        moment=moment,
    )
    return new.pk


def _note(intent: OrderIntent) -> str:
    return f"Replaced by {intent.order_id}."


def _record_denial(order_id: UUID, denied: Order, actor: str, moment: Moment) -> None:
    with transaction.atomic():
        audit.append(
            chain=audit.account_chain(denied.portfolio_id),
            action="order.amend_denied",
            actor=actor,
            subject=f"order:{order_id}",
            payload={"code": denied.reject_code, "detail": denied.reject_detail, "verdicts": denied.verdicts},
            moment=moment,
        )
