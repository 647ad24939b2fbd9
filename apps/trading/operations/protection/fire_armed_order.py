"""An armed order whose trigger was hit goes through the gate again before it may be sent."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.trading.domain.books.ledger_postings import reservation
from apps.trading.domain.orders.order_groups import TAKE_PROFIT
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_gate import GateDecision, judge
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.gather_facts import gather_facts
from apps.trading.operations.orders.place_order import send_soon
from apps.trading.operations.orders.read_market import read_market
from apps.trading.operations.orders.settle_groups import settle_instrument

GATE = "risk gate"


def fire_armed_order(*, order_id: UUID, moment: Moment) -> bool:
    """Judge the order at today's prices; True: it may be sent now, False: it was denied, fired before or taken back."""
    armed = Order.objects.filter(pk=order_id, state=OrderState.ARMED)
    known = armed.values_list("symbol", "account_id", "agent_id").first()
    if known is None:
        return False
    symbol, account, agent_id = known
    reading = read_market(symbol=symbol, moment=moment)
    with transaction.atomic():
        book = lock_book(
            account=account,
            rules=reading.rules,
            moment=moment,
            agent_id=agent_id,
        )
        order = Order.objects.select_for_update().get(pk=order_id)
        if order.state != OrderState.ARMED or order.triggered_firm is not None:
            return False
        _fit_to_what_is_free(order, book, reading.rules.step_size)
        facts = gather_facts(
            intent=_intent(order),
            reading=reading,
            book=_without(order, book, moment),
            moment=moment,
            held_for_order=order.reserved_left,
        )
        decision = judge(facts)
        if not decision.allowed:
            _deny(order, decision, moment)
        else:
            _release_to_executor(order, facts, decision, moment)
        if order.group_id is not None:
            settle_instrument(portfolio_id=order.portfolio_id, symbol=order.symbol, moment=moment)
    return decision.allowed


def _fit_to_what_is_free(order: Order, book: Book, step: Decimal) -> None:
    """An exit of a group reserved nothing while it waited: it sells the whole steps that are free by now, at most its
    own quantity.
    """
    if order.role == TAKE_PROFIT and not order.reserved_left and (free := floor_to(book.free_units, step)):
        order.quantity = min(floor_to(order.quantity, step) or order.quantity, free)


def _without(order: Order, book: Book, moment: Moment) -> Book:
    """The book as if the order under judgment were not in it."""
    buys = dict(book.working_buys)
    if order.side == "buy":
        buys[order.symbol] = max(ZERO, buys.get(order.symbol, ZERO) - order.reserved_left)
    counted = order.side == "buy" and order.proposed_firm > moment.firm - timedelta(hours=1)
    return replace(
        book,
        working_buys=buys,
        open_orders=max(0, book.open_orders - 1),
        orders_last_hour=book.orders_last_hour - (1 if counted else 0),
    )


def _intent(order: Order) -> OrderIntent:
    # The trigger was hit, so it does not count any more: what is sent now is a market or a limit order.
    return OrderIntent(
        symbol=order.symbol,
        side=order.side,
        type="market" if order.limit_price is None else "limit",
        limit_price=order.limit_price,
        quantity=order.quantity,
        reduce_only=order.reduce_only,
        origin=order.origin,
        actor=order.actor,
        agent_id=order.agent_id,
    )


def _deny(order: Order, decision: GateDecision, moment: Moment) -> None:
    change_order_state(
        order_id=order.pk,
        before={OrderState.ARMED},
        after=OrderState.DENIED,
        actor=GATE,
        note=f"When its trigger was hit: {decision.summary}",
        moment=moment,
        verdicts=[verdict.as_json() for verdict in decision.verdicts],
        gate_digest=decision.digest,
        reject_code=decision.denials[0].code,
        reject_detail=decision.summary,
    )


def _release_to_executor(order: Order, facts: GateFacts, decision: GateDecision, moment: Moment) -> None:
    more = max(ZERO, (facts.order.needs or ZERO) - order.reserved_left)
    _reserve_more(order, facts, more, moment)
    Order.objects.filter(pk=order.pk).update(
        quantity=order.quantity,
        triggered_firm=moment.firm,
        reserved_asset=facts.order.needs_asset,
        reserved_amount=order.reserved_amount + more,
        reserved_left=order.reserved_left + more,
        mark_price=facts.market.mark,
        verdicts=[verdict.as_json() for verdict in decision.verdicts],
        gate_digest=decision.digest,
    )
    announce_order(order_id=order.pk, portfolio_id=order.portfolio_id)
    audit.append(
        chain=audit.account_chain(order.portfolio_id),
        action="order.triggered",
        actor=GATE,
        subject=f"order:{order.pk}",
        payload={"gate_digest": decision.digest, "reserved_more": plain(more)},
        moment=moment,
    )
    send_soon(order.pk)


def _reserve_more(order: Order, facts: GateFacts, more: Decimal, moment: Moment) -> None:
    post_transfer(
        portfolio_id=order.portfolio_id,
        cause_kind="reserve_more",
        cause_id=str(order.pk),
        postings=reservation(side=order.side, asset=facts.order.needs_asset, amount=more, budget=order.budget),
        moment=moment,
        order_id=order.pk,
    )
