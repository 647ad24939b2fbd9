"""Judge an order that waited for the one it replaces to end: the gate decides on what the old one left unfilled."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.trading.domain.books.ledger_postings import reservation
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState
from apps.trading.domain.orders.order_types import TRIGGERED_TYPES
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_gate import GateDecision, judge
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.gather_facts import gather_facts
from apps.trading.operations.orders.place_order import send_soon
from apps.trading.operations.orders.read_market import read_market
from apps.trading.operations.orders.settle_groups import settle_instrument

GATE = "risk gate"
_INTENT = (
    *("symbol", "side", "type", "limit_price", "stop_price", "trail_pct", "trail_amount", "time_in_force"),
    *("reduce_only", "post_only", "expires_firm", "origin", "actor", "decision_id", "agent_id"),
)


def judge_replacement(*, order_id: UUID, moment: Moment) -> bool:
    """True when the replacement left PROPOSED; False while the order it replaces may still trade."""
    known = Order.objects.filter(pk=order_id, state=OrderState.PROPOSED, replaces__state__in=TERMINAL).first()
    if known is None:
        return False
    reading = read_market(symbol=known.symbol, moment=moment)
    with transaction.atomic():
        book = lock_book(
            account=known.account_id,
            rules=reading.rules,
            moment=moment,
            agent_id=known.agent_id,
        )
        order = Order.objects.select_for_update().get(pk=order_id)
        assert order.replaces is not None
        if order.state != OrderState.PROPOSED:
            return False
        left = order.quantity - order.replaces.filled_quantity
        if order.cancel_wanted or left <= 0:
            _withdraw(order, nothing_left=left <= 0, moment=moment)
        else:
            intent = replace(OrderIntent(**{name: getattr(order, name) for name in _INTENT}), quantity=left)
            facts = gather_facts(intent=intent, reading=reading, book=book, moment=moment)
            _decide(order, facts, judge(facts), moment)
        if order.group_id is not None:
            settle_instrument(portfolio_id=order.portfolio_id, symbol=order.symbol, moment=moment)
    return True


def _withdraw(order: Order, *, nothing_left: bool, moment: Moment) -> None:
    code, detail = "withdrawn", "It was cancelled before it could take the place of the other order."
    if nothing_left:
        code, detail = "replaced_order_filled", "The order it was to replace has filled; nothing is left to send."
    verdict = {"rule": "replacement", "allowed": False, "code": code, "detail": detail, "inputs": {}}
    _deny(order, verdicts=[verdict], code=code, detail=detail, moment=moment)


def _decide(order: Order, facts: GateFacts, decision: GateDecision, moment: Moment) -> None:
    verdicts = [verdict.as_json() for verdict in decision.verdicts]
    if not decision.allowed:
        _deny(
            order,
            verdicts=verdicts,
            code=decision.denials[0].code,
            detail=decision.summary,
            moment=moment,
            gate_digest=decision.digest,
        )
        return
    needed = facts.order.needs or ZERO
    post_transfer(
        portfolio_id=order.portfolio_id,
        cause_kind="reserve",
        cause_id=str(order.pk),
        postings=reservation(side=order.side, asset=facts.order.needs_asset, amount=needed, budget=facts.order.budget),
        moment=moment,
        order_id=order.pk,
    )
    change_order_state(
        order_id=order.pk,
        before={OrderState.PROPOSED},
        after=OrderState.APPROVED,
        actor=GATE,
        note=decision.summary,
        moment=moment,
        quantity=facts.order.quantity,
        verdicts=verdicts,
        gate_digest=decision.digest,
        approved_wall=moment.wall,
        budget=facts.order.budget,
        reserved_asset=facts.order.needs_asset,
        reserved_amount=needed,
        reserved_left=needed,
    )
    if order.type in TRIGGERED_TYPES:
        change_order_state(
            order_id=order.pk, before={OrderState.APPROVED}, after=OrderState.ARMED, actor=GATE, moment=moment
        )
    send_soon(order.pk)


def _deny(order: Order, *, verdicts: list[dict[str, Any]], code: str, detail: str, moment: Moment, **more: Any) -> None:
    change_order_state(
        order_id=order.pk,
        before={OrderState.PROPOSED},
        after=OrderState.DENIED,
        actor=GATE,
        note=detail,
        moment=moment,
        verdicts=verdicts,
        reject_code=code,
        reject_detail=detail,
        **more,
    )
