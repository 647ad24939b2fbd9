"""Open an account and its portfolio: the money comes in from outside, the published limits become version 1."""

from datetime import UTC
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import derived_id
from apps.foundation.money import exact, plain
from apps.foundation.outbox import record_events
from apps.trading.domain.books.ledger_postings import deposit
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS
from apps.trading.models import Account, Portfolio, RiskLimits
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.announce_changes import portfolio_event

AUTHOR = "system"


@transaction.atomic
def open_portfolio(
    *, currency: str, capital: Decimal | str, moment: Moment, account: str = "paper", venue: str = "paper"
) -> UUID:
    """The id of the portfolio that the practice account trades; both are opened with ``capital`` if there is none yet.

    Raises ``Refused`` (``not_positive``) for capital that is not above zero, and ``Conflict`` (``account_exists``) for
    an account that is there with another currency or venue.
    """
    amount = exact(capital)
    if amount <= 0:
        raise Refused(f"The starting capital must be above zero, was {capital}.", code="not_positive", field="capital")
    known = Account.objects.select_related("portfolio").filter(pk=account).first()
    if known is None:
        portfolio = create_portfolio(account=account, currency=currency, capital=amount, moment=moment)
        Account.objects.create(
            name=account,
            venue=venue,
            portfolio=portfolio,
            created_wall=moment.wall,
            created_by=AUTHOR,
            enabled_wall=moment.wall,
            enabled_by=AUTHOR,
        )
        return portfolio.pk
    if (known.venue, known.portfolio.base_currency) != (venue, currency):
        raise Conflict(
            f"The account {account} trades {known.portfolio.base_currency} at {known.venue}; "
            f"asked was {currency} at {venue}.",
            code="account_exists",
            field="name",
        )
    return known.portfolio_id


def create_portfolio(*, account: str, currency: str, capital: Decimal, moment: Moment) -> Portfolio:
    """A funded portfolio for a new account, inside the running transaction."""
    portfolio = Portfolio.objects.create(
        id=derived_id("portfolio", account),
        name=f"{account.replace('-', ' ').capitalize()} {currency}",
        base_currency=currency,
        starting_capital=capital,
        peak_equity=capital,
        day=moment.firm.astimezone(UTC).date(),
        day_start_equity=capital,
        day_capital=capital,
        growth_capital=capital,
        created_at=moment.wall,
    )
    RiskLimits.objects.bulk_create([_published_limits(moment)], ignore_conflicts=True)
    _fund(portfolio, capital, moment)
    return portfolio


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
