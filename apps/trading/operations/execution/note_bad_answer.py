"""Keep what a venue said that can't be true as a break."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation.clock import Moment
from apps.foundation.errors import HQError
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState
from apps.trading.models import ReconciliationBreak
from apps.trading.operations.reconciliation.record_break import heal_breaks, record_break
from apps.trading.ports import BadVenueAnswer, BadVenueOutcome

_UNTOLD = frozenset({OrderState.SUBMITTING, OrderState.UNKNOWN})


def note_bad_answer(
    *, account: str, symbol: str, failure: HQError, moment: Moment, order_id: UUID | None = None
) -> None:
    """Nothing for a failure of another kind: those are measured, not kept.

    With ``order_id`` it was an answer about that order, and is over once a sensible one tells what became of it. One
    without an instrument, about a whole list, holds up nothing: the list is asked for again.
    """
    if isinstance(failure, (BadVenueAnswer, BadVenueOutcome)):
        facts = {"detail": failure.message, **failure.facts}
        record_break(
            account=account,
            kind=BreakKind.BAD_ANSWER,
            symbol=symbol,
            facts=facts,
            moment=moment,
            order_id=order_id,
            quarantines=bool(symbol),
        )


@transaction.atomic
def heal_bad_answers(*, order_id: UUID, moment: Moment) -> None:
    """The venue said sensibly what became of the order, after answers about it that could not be right."""
    of_it = Q(order_id=order_id, kind=BreakKind.BAD_ANSWER) & ~Q(cause__startswith="altered:")
    heal_breaks(breaks=of_it, healing="A later answer told what became of the order.", moment=moment)


def heal_answered(*, account: str, moment: Moment) -> int:
    """The same for orders of which a stream told, or a list, while their look-up waited; how many there were."""
    doubted = ReconciliationBreak.objects.filter(
        account_id=account, state=BreakState.OPEN, kind=BreakKind.BAD_ANSWER, order__isnull=False
    )
    known = doubted.exclude(cause__startswith="altered:").exclude(order__state__in=_UNTOLD)
    orders = list(known.order_by("order_id").values_list("order_id", flat=True).distinct())
    for order_id in orders:
        heal_bad_answers(order_id=order_id, moment=moment)
    return len(orders)


def note_bad_news(*, account: str, bad: Iterable[Mapping[str, Any]], moment: Moment) -> None:
    """One break each for trades and reports that could not be read."""
    for facts in bad:
        told = {"detail": facts.get("problem", ""), **facts}
        record_break(account=account, kind=BreakKind.BAD_ANSWER, symbol="", facts=told, moment=moment)
