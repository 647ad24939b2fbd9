"""Fees for which the books took units from outside, where the venue's balance proves that a position paid them.

A fee in a third asset takes free units of a position in it. At the time of posting they may be reserved, or the buy
that brought them may be told of later; then the books suppose that the venue had others.
"""

from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import FIRM, fee_was_in_held_units
from apps.trading.domain.books.positions import after_fee_in_units
from apps.trading.domain.venues.reconciliation import Gap
from apps.trading.models import LedgerAccount, LedgerKind, LedgerPosting, Order, Portfolio, Position
from apps.trading.operations.books.post_fills import FEE_FUNDING, set_state, state_of
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.tidings import Tidings
from apps.trading.operations.protection.cover_position import cover_position, protective_orders
from apps.trading.operations.reconciliation.record_break import RECONCILER

CAUSE = "fee_was_of_units"


def funded_fees(portfolio: Portfolio) -> dict[str, Decimal]:
    """By asset, how much of it the books took from outside for fees and no position has paid since."""
    mine = LedgerPosting.objects.filter(transfer__portfolio=portfolio).exclude(asset=portfolio.base_currency)
    from_outside = Q(transfer__cause_kind__in=(FEE_FUNDING, CAUSE), account__kind=LedgerKind.EXTERNAL)
    totals = mine.filter(from_outside).values("asset").annotate(total=Sum("amount"))
    return {row["asset"]: -row["total"] for row in totals if row["total"] < 0}


@transaction.atomic
def settle_funded_fees(*, gap: Gap, account: str, moment: Moment) -> bool:
    """Whether fees account for what the venue has less of the asset. Its position then pays what is free of it; what is
    reserved is left to a later look, and without a position it was taken of others' units, as the books suppose.
    """
    portfolio = Portfolio.objects.select_for_update(of=("self",)).get(account__pk=account)
    if not 0 < -gap.unexplained <= funded_fees(portfolio).get(gap.asset, ZERO):
        return False
    symbol = f"{gap.asset}/{portfolio.base_currency}"
    stops = protective_orders(portfolio_id=portfolio.pk, symbols=[symbol])
    list(Order.objects.select_for_update().filter(stops).order_by("pk"))
    position = Position.objects.select_for_update().filter(portfolio=portfolio, symbol=symbol).first()
    free = LedgerAccount.objects.filter(
        portfolio=portfolio, asset=gap.asset, kind=LedgerKind.POSITION, budget=FIRM
    ).values_list("balance", flat=True)
    if position is not None and -gap.unexplained <= min(position.quantity, free.first() or ZERO):
        _settle(position, -gap.unexplained, portfolio, account, moment)
    return True


def _settle(position: Position, units: Decimal, portfolio: Portfolio, account: str, moment: Moment) -> None:
    after, cost = after_fee_in_units(state_of(position), units=units, at_firm=moment.firm)
    asset, quote = position.symbol.split("/")
    post_transfer(
        portfolio_id=portfolio.pk,
        cause_kind=CAUSE,
        cause_id=f"{account}:{asset}:{moment.wall.isoformat()}",
        postings=fee_was_in_held_units(asset=asset, quote=quote, units=units, cost=cost),
        moment=moment,
    )
    set_state(position, after)
    position.save()
    tidings = Tidings(portfolio.pk)
    payload = {"asset": asset, "units": plain(units), "cost": plain(cost)}
    tidings.entry(action="fees.settled", actor=RECONCILER, subject=f"position:{position.symbol}", payload=payload)
    cover_position(position=position, moment=moment, tidings=tidings)
    tidings.send(moment)
