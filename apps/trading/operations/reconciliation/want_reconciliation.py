"""Ask the executor, who alone may talk to venues, to compare an account out of turn."""

from typing import Any

from django.db import transaction

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound
from apps.trading.models import Account, AccountReconciliation
from apps.trading.queries.reconciliation import reconciliation_view

TASK = "workers.execution.reconcile_account"


@transaction.atomic
def want_reconciliation(*, account: str, moment: Moment) -> dict[str, Any]:
    """Mark the account and tell the executor; without the message its loop finds the mark. How things stand now.

    Raises ``NotFound`` (``unknown_account``).
    """
    if not Account.objects.filter(pk=account).exists():
        raise NotFound(f"There is no account {account}.", code="unknown_account", field="name")
    AccountReconciliation.objects.get_or_create(pk=account, defaults={"required_wall": moment.wall})
    AccountReconciliation.objects.filter(pk=account).update(wanted_wall=moment.wall)
    after_commit.enqueue(TASK, queue="execution", expires=60, account=account)
    return reconciliation_view(account)
