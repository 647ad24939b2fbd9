"""Accounts at venues: open one, give it other sealed keys, enable and disable it. A person answers for each step."""

import hashlib
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.firm_key import firm_key
from apps.foundation.money import exact, plain
from apps.foundation.outbox import record_events
from apps.market import queries as market
from apps.trading.domain.orders.order_lifecycle import OPEN
from apps.trading.domain.venues.venues import PAPER, PRACTICE_VENUES, REAL_VENUES
from apps.trading.models import Account, AccountMode, Order, Position
from apps.trading.operations.accounts.open_portfolio import create_portfolio
from apps.trading.operations.orders.announce_changes import system_event
from apps.trading.operations.risk.required_reason import required_reason
from apps.trading.queries.accounts import account_view, find_account
from apps.trading.queries.held_dust import holds_dust
from apps.trading.queries.live_needs import missing_for_live

OPENABLE = (PAPER, *REAL_VENUES)


class LiveNeedsMissing(Conflict):
    """The account can't trade real money yet; ``facts["missing"]`` names every condition."""

    code = "live_needs_missing"


def open_account(
    *,
    name: str,
    venue: str,
    mode: str,
    currency: str,
    capital: Decimal | str,
    sealed_keys: str,
    actor: str,
    moment: Moment,
) -> dict[str, Any]:
    """The new account's view: disabled, except on the paper venue, which needs no keys.

    ``capital``: how much of the currency the house may trade with there; reconciliation holds it against what the venue
    says. Raises ``Refused`` and ``Conflict`` (``account_exists``) naming the field,
    ``KeyRefused`` and ``SealingAway``.
    """
    _check_place(venue, mode, sealed_keys)
    amount = exact(capital)
    if amount <= 0:
        raise Refused(f"capital must be above zero, was {capital}.", code="not_positive", field="capital")
    if venue != PAPER:
        firm_key().check_sealed(sealed_keys)
    try:
        with transaction.atomic():
            _create(name, venue, mode, currency, amount, sealed_keys, actor, moment)
    except IntegrityError as error:
        if not Account.objects.filter(pk=name).exists():
            raise
        raise Conflict(f"There is an account {name} already.", code="account_exists", field="name") from error
    return account_view(name)


def replace_keys(*, name: str, sealed_keys: str, actor: str, moment: Moment) -> dict[str, Any]:
    """The account's view with other sealed keys; the executor opens and checks them next.

    A live account is disabled by it: whoever changes its keys answers for enabling it again.
    """
    account = find_account(name)
    if account.venue not in REAL_VENUES:
        raise Refused(f"The account {name} is at {account.venue}, which takes no keys.", code="no_keys_here")
    firm_key().check_sealed(sealed_keys)
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=name)
        enabled = row.enabled and row.mode != AccountMode.LIVE
        if row.enabled and not enabled:
            _refuse_in_use(row)
        Account.objects.filter(pk=name).update(
            sealed_keys=sealed_keys.strip(), enabled=enabled, checked_wall=None, trouble_code="", trouble=""
        )
        _record("account.keys_replaced", name, actor, {"message": _digest(sealed_keys), "enabled": enabled}, moment)
    return account_view(name)


def enable_account(*, name: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Let the house trade on the account. The caller has proven role admin and the password.

    Raises ``LiveNeedsMissing`` naming every condition that a live account lacks.
    """
    reason = required_reason(reason)
    account = find_account(name)
    missing = missing_for_live(account)
    if missing:
        raise LiveNeedsMissing(
            f"The account {name} can't trade real money yet: " + " ".join(need.detail for need in missing),
            missing=[need.as_json() for need in missing],
        )
    with transaction.atomic():
        changed = Account.objects.filter(pk=name, enabled=False).update(
            enabled=True, enabled_wall=moment.wall, enabled_by=actor
        )
        if changed:
            _record("account.enabled", name, actor, {"mode": account.mode, "reason": reason}, moment)
    return account_view(name)


def disable_account(*, name: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Stop using the account. Raises ``Conflict`` (``account_in_use``) while it holds positions or open orders."""
    reason = required_reason(reason)
    find_account(name)
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=name)
        if row.enabled:
            _refuse_in_use(row)
            Account.objects.filter(pk=name).update(enabled=False)
            _record("account.disabled", name, actor, {"mode": row.mode, "reason": reason}, moment)
    return account_view(name)


def _check_place(venue: str, mode: str, sealed_keys: str) -> None:
    if venue not in OPENABLE:
        raise Refused(
            f"venue must be one of {', '.join(OPENABLE)}, was {venue!r}.", code="invalid_choice", field="venue"
        )
    if mode == AccountMode.LIVE and venue == PAPER:
        raise Refused("The paper venue moves no real money; choose mode paper.", code="not_applicable", field="mode")
    if mode == AccountMode.PAPER and venue in REAL_VENUES and venue not in PRACTICE_VENUES:
        raise Refused(
            f"{venue} has no practice accounts, so mode paper would trade real money there. Use the venue paper.",
            code="no_practice_account",
            field="mode",
        )
    if venue == PAPER and sealed_keys:
        raise Refused(
            "The paper venue takes no keys; leave sealed_keys out.", code="not_applicable", field="sealed_keys"
        )


def _create(  # noqa: PLR0917 - the columns of one row
    name: str, venue: str, mode: str, currency: str, capital: Decimal, sealed_keys: str, actor: str, moment: Moment
) -> None:
    enabled = venue == PAPER
    portfolio = create_portfolio(account=name, currency=currency, capital=capital, moment=moment)
    Account.objects.create(
        name=name,
        venue=venue,
        mode=mode,
        portfolio=portfolio,
        sealed_keys=sealed_keys.strip(),
        enabled=enabled,
        created_wall=moment.wall,
        created_by=actor,
        enabled_wall=moment.wall if enabled else None,
        enabled_by=actor if enabled else "",
    )
    payload = {"venue": venue, "mode": mode, "currency": currency, "capital": plain(capital)}
    _record("account.opened", name, actor, payload | {"message": _digest(sealed_keys)}, moment)


def _refuse_in_use(account: Account) -> None:
    orders = Order.objects.filter(Q(is_protective=False) | ~Q(state="ARMED"), account=account, state__in=OPEN)
    positions = Position.objects.filter(portfolio_id=account.portfolio_id, quantity__gt=0).order_by("symbol")
    held = [row.symbol for row in positions if not holds_dust(row, market.instrument_rules(row.symbol))]
    if held or orders.exists():
        symbols = ", ".join(held) or "nothing"
        raise Conflict(
            f"The account {account.name} has {orders.count()} open orders and holds {symbols}; nobody would watch over"
            " them. Cancel the orders and close the positions first.",
            code="account_in_use",
        )


def _digest(sealed_keys: str) -> str:
    return hashlib.sha256(sealed_keys.strip().encode()).hexdigest() if sealed_keys else ""


def _record(action: str, name: str, actor: str, payload: dict[str, Any], moment: Moment) -> None:
    record_events([system_event()])
    audit.append(
        chain=audit.OPERATIONS, action=action, actor=actor, subject=f"account:{name}", payload=payload, moment=moment
    )
