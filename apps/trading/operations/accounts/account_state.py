"""What the executor found out about an account's keys: they work, or why nothing can be traded on it."""

import structlog
from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.outbox import record_events
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Account, Order
from apps.trading.operations.orders.announce_changes import system_event
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.risk.want_incident import want_incident

EXECUTOR = "executor"
log = structlog.get_logger(__name__)


def record_account_trouble(*, account: str, code: str, detail: str, moment: Moment) -> bool:
    """Note why the account can't be traded; False when this is known already. Orders not sent yet end unsent.

    What works at the venue stays as it is: nobody can speak to it until the trouble is over.
    """
    with transaction.atomic():
        noted = Account.objects.exclude(trouble_code=code, trouble=detail).filter(pk=account)
        if not noted.update(trouble_code=code, trouble=detail, trouble_wall=moment.wall):
            return False
        record_events([system_event()])
        want_incident(kind="account_not_tradable", subject=f"account:{account}", detail=detail)
        _audit(account, "account.not_tradable", EXECUTOR, {"code": code, "detail": detail}, moment)
    log.warning("account_not_tradable", account=account, code=code, reason=detail)
    waiting = Order.objects.filter(account_id=account, state=OrderState.APPROVED).order_by("pk")
    for pk in list(waiting.values_list("pk", flat=True)):
        change_order_state(
            order_id=pk,
            before={OrderState.APPROVED},
            after=OrderState.CANCELED,
            actor=EXECUTOR,
            note=f"It was never sent: {detail}",
            moment=moment,
        )
    return True


@transaction.atomic
def record_account_checked(*, account: str, withdrawal: str, moment: Moment) -> None:
    """Note that the keys were opened and the venue knows them; a trouble there was is over."""
    was = Account.objects.select_for_update().get(pk=account)
    Account.objects.filter(pk=account).update(checked_wall=moment.wall, trouble_code="", trouble="", trouble_wall=None)
    if was.trouble_code or was.checked_wall is None:
        record_events([system_event()])
        _audit(account, "account.checked", EXECUTOR, {"withdrawal": withdrawal, "was": was.trouble_code}, moment)


def _audit(account: str, action: str, actor: str, payload: dict[str, str], moment: Moment) -> None:
    audit.append(
        chain=audit.OPERATIONS,
        action=action,
        actor=actor,
        subject=f"account:{account}",
        payload=payload,
        moment=moment,
    )
