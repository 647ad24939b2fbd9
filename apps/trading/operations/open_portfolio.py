"""Open the paper portfolio: its money comes in from outside, and the published limits become version 1."""

from datetime import UTC
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.identifiers import derived_id
from apps.foundation.money import exact, plain
from apps.foundation.outbox import record_events
from apps.trading.domain.ledger_postings import deposit
from apps.trading.domain.risk_limits import DEFAULT_LIMITS
from apps.trading.models import Portfolio, RiskLimits
from apps.trading.operations.announce_changes import portfolio_event
from apps.trading.operations.post_transfer import post_transfer

AUTHOR = "system"


@transaction.atomic
def open_portfolio(*, currency: str, capital: Decimal | str, moment: Moment) -> UUID:
    """The id of the paper portfolio in ``currency``; it is opened with ``capital`` when there is none yet.

    Raises ``Refused`` (``not_positive``) for capital that is not above zero.
    """
    amount = exact(capital)
    if amount <= 0:
        raise Refused(f"The starting capital must be above zero, was {capital}.", code="not_positive", field="capital")
    portfolio, created = Portfolio.objects.get_or_create(
        mode="paper",
        base_currency=currency,
        defaults={
            "id": derived_id("portfolio", "paper", currency),
            "name": f"Paper {currency}",
            "starting_capital": amount,
            "peak_equity": amount,
            "day": moment.firm.astimezone(UTC).date(),
            "day_start_equity": amount,
            "created_at": moment.wall,
        },
    )
    RiskLimits.objects.bulk_create([_published_limits(moment)], ignore_conflicts=True)
    if created:
        _fund(portfolio, amount, moment)
    return portfolio.pk


def _fund(portfolio: Portfolio, amount: Decimal, moment: Moment) -> None:
    post_transfer(
        portfolio_id=portfolio.pk,
        cause_kind="deposit",
        cause_id=f"start:{portfolio.pk}",
        postings=deposit(asset=portfolio.base_currency, amount=amount),
        moment=moment,
    )
    record_events([portfolio_event(portfolio.pk)])
    audit.append(
        chain=audit.account_chain(portfolio.pk),
        action="portfolio.opened",
        actor=AUTHOR,
        subject=f"portfolio:{portfolio.pk}",
        payload={"currency": portfolio.base_currency, "capital": plain(amount)},
        moment=moment,
    )


def _published_limits(moment: Moment) -> RiskLimits:
    return RiskLimits(
        version=1, values=DEFAULT_LIMITS.stored(), author=AUTHOR, reason="Published defaults.", at=moment.wall
    )
