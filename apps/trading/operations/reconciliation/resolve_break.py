"""A person decides about a break: with a choice, a reason, and the consequences that the choice was shown with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.outbox import record_events
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.venues.break_kinds import BreakState, Choice, options_of
from apps.trading.models import Portfolio, ReconciliationBreak
from apps.trading.operations.books.take_fill import FLOOR, breaks_constraint
from apps.trading.operations.orders.announce_changes import portfolio_event
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.reconciliation.accept_transfer import Transfer, accept_transfer
from apps.trading.operations.reconciliation.adopt_trade import adopt_trade
from apps.trading.operations.reconciliation.record_break import audit_break, close_break, tell_screens
from apps.trading.operations.reconciliation.want_reconciliation import want_reconciliation
from apps.trading.operations.risk.required_reason import required_reason
from apps.trading.queries.reconciliation import break_view

_CANCELABLE = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.PENDING_CANCEL})


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person chose, and why."""

    choice: Choice
    reason: str
    actor: str
    moment: Moment


def resolve_break(*, break_id: UUID, choice: str, reason: str, actor: str, moment: Moment) -> dict[str, Any]:
    """The break's view after the choice was carried out, all of it or nothing.

    Raises ``NotFound``; ``Refused`` without a reason (``required``), for a choice that this break does not offer
    (``choice_not_offered``) or that can't be carried out (its own code); ``Conflict`` (``break_closed``).
    """
    reason = required_reason(reason)
    portfolio_id = _portfolio_of(break_id)
    try:
        with transaction.atomic():
            # Books first, then the break, then the audit head: the order in which everybody locks.
            Portfolio.objects.select_for_update().get(pk=portfolio_id)
            row = ReconciliationBreak.objects.select_for_update().get(pk=break_id)
            _check(row, choice)
            decision = Decision(Choice(choice), reason, actor, moment)
            _keep(row, decision, _STEPS[decision.choice](row, decision))
            record_events([portfolio_event(portfolio_id)])
    except IntegrityError as error:
        if not breaks_constraint(error, FLOOR):
            raise
        sentence = "The free money or units that this would take are not in the books. Cancel orders that hold them."
        raise Refused(sentence, code="not_enough", field="choice") from error
    return break_view(break_id)


def _portfolio_of(break_id: UUID) -> UUID:
    found = ReconciliationBreak.objects.filter(pk=break_id).values_list("account__portfolio_id", flat=True).first()
    if found is None:
        raise NotFound(f"There is no break {break_id}.", code="unknown_break", field="id")
    return found


def _check(row: ReconciliationBreak, choice: str) -> None:
    if row.state != BreakState.OPEN:
        raise Conflict(f"This break is {row.state} already.", code="break_closed")
    offered = [option.choice.value for option in options_of(row.kind)]
    if choice not in offered:
        raise Refused(
            f"choice was {choice!r}; this break offers {', '.join(offered)}.",
            code="choice_not_offered",
            field="choice",
        )


def _keep(row: ReconciliationBreak, decision: Decision, healing: str) -> None:
    kept = {
        "choice": decision.choice,
        "choice_reason": decision.reason,
        "choice_by": decision.actor,
        "choice_wall": decision.moment.wall,
    }
    if decision.choice in {Choice.STAY, Choice.CANCEL_ORDER}:
        for name, value in {**kept, "healing": healing}.items():
            setattr(row, name, value)
        row.save()
        tell_screens(row.pk)
    else:
        close_break(row, state=BreakState.RESOLVED, healing=healing, moment=decision.moment, **kept)
    audit_break(
        row,
        action="break.decided",
        actor=decision.actor,
        payload={
            "choice": str(decision.choice),
            "reason": decision.reason,
            "healing": healing,
            "facts": row.facts,
        },
        moment=decision.moment,
    )


def _accept(row: ReconciliationBreak, decision: Decision) -> str:
    if not row.amount:
        raise Refused("This break has no amount that could be accepted.", code="no_amount", field="choice")
    transfer = Transfer(row.account_id, row.asset, row.symbol, row.amount, f"break:{row.pk}")
    return accept_transfer(transfer, moment=decision.moment)


def _adopt(row: ReconciliationBreak, decision: Decision) -> str:
    trade = row.facts.get("trade")
    if trade is None:
        raise Refused(
            "The venue counts this much as filled and shows no trade for it. There is nothing to adopt yet; it is "
            "posted by itself once the trade shows.",
            code="no_trade",
            field="choice",
        )
    adopt_trade(
        trade=trade,
        account=row.account_id,
        actor=decision.actor,
        reason=decision.reason,
        moment=decision.moment,
    )
    return "The trade was taken into the books as the venue told it."


def _cancel(row: ReconciliationBreak, decision: Decision) -> str:
    if "order" not in row.facts:
        raise Refused("It is not known which order this is.", code="no_order", field="choice")
    row.cancel_wanted = True
    want_reconciliation(account=row.account_id, moment=decision.moment)
    return "The executor was asked to cancel it at the venue."


def _attest(after: OrderState, before: frozenset[OrderState]) -> Callable[[ReconciliationBreak, Decision], str]:
    def step(row: ReconciliationBreak, decision: Decision) -> str:
        if row.order_id is None:
            raise Refused("It is not known which order this is.", code="no_order", field="choice")
        moved = change_order_state(
            order_id=row.order_id,
            before=before,
            after=after,
            actor=decision.actor,
            note=f"Attested by {decision.actor}: {decision.reason}",
            moment=decision.moment,
        )
        if moved is None:
            raise Conflict("The order has moved on meanwhile; look at it again.", code="order_moved")
        return f"The order ended as {after} on the word of {decision.actor}; its funds are free."

    return step


def _ignore(row: ReconciliationBreak, decision: Decision) -> str:  # noqa: ARG001 - the form of every step
    if row.amount:
        return "Nothing was posted; exactly this difference is taken as known from now on."
    return "Nothing was posted."


def _stay(row: ReconciliationBreak, decision: Decision) -> str:  # noqa: ARG001
    return row.healing


_STEPS: dict[Choice, Callable[[ReconciliationBreak, Decision], str]] = {
    Choice.ACCEPT_TRANSFER: _accept,
    Choice.ADOPT_TRADE: _adopt,
    Choice.CANCEL_ORDER: _cancel,
    Choice.ATTEST_NOT_PLACED: _attest(OrderState.NOT_PLACED, frozenset({OrderState.UNKNOWN})),
    Choice.ATTEST_CANCELED: _attest(OrderState.CANCELED, frozenset({OrderState.UNKNOWN, *_CANCELABLE})),
    Choice.IGNORE: _ignore,
    Choice.STAY: _stay,
}
