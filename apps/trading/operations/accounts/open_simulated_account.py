"""The house's account on its own exchange simulator: practice money, keys that the house made itself."""

from decimal import Decimal

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.venues.venues import SIMULATED
from apps.trading.models import Account
from apps.trading.operations.accounts.open_portfolio import open_portfolio


@transaction.atomic
def open_simulated_account(
    *, name: str, currency: str, capital: Decimal | str, sealed_keys: str, moment: Moment
) -> None:
    """Open it when it is not there yet, and keep the message its keys are sealed in (empty: they lie open)."""
    open_portfolio(currency=currency, capital=capital, moment=moment, account=name, venue=SIMULATED)
    if sealed_keys:
        Account.objects.filter(pk=name, sealed_keys="").update(sealed_keys=sealed_keys)
