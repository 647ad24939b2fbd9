"""Lock a portfolio and read all the gate needs of it in one round trip (``hq_lock_book``)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.money import ZERO
from apps.trading.domain.book import Book, VenueStanding
from apps.trading.domain.in_flight import InFlight
from apps.trading.domain.ledger_postings import FIRM, budget_of
from apps.trading.domain.portfolio import Holding
from apps.trading.domain.risk_limits import LimitValues
from apps.trading.domain.trading_state import OpenCause, TradingState
from apps.trading.models import Account

# The book is locked and read first; what the gate needs beside it comes with the same answer.
_LOCK_AND_READ = """
SELECT book, hq_risk_facts(book -> 'account' ->> 'name', (book ->> 'portfolio_id')::uuid, %s, %s),
       (SELECT detail FROM trading_reconciliationbreak
        WHERE account_id = book -> 'account' ->> 'name' AND state = 'OPEN' AND quarantines AND symbol IN ('', %s)
        ORDER BY opened_wall, id LIMIT 1)
FROM hq_lock_book(%s, %s, %s, %s, %s, %s, %s) AS book
"""


def lock_book(
    *,
    account: str | None = None,
    symbol: str,
    base: str,
    quote: str,
    moment: Moment,
    order_id: UUID | None = None,
    agent_id: UUID | None = None,
) -> Book:
    """The book of the account's portfolio, locked until the transaction ends.

    Without an account it is the house's trading account (``VENUE``), or, where that has another currency than
    ``quote``, the oldest enabled paper account in it. ``agent_id``: whose budget, if it has one, pays a buy.
    Raises ``Refused``: ``unknown_account``, ``no_portfolio`` where
    the account has another currency, ``no_limits`` when no limits were ever set.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A book is locked inside the transaction that changes it.")
    with connection.cursor() as cursor:
        cursor.execute(
            _LOCK_AND_READ,
            [
                *(quote, None if agent_id is None else budget_of(agent_id), symbol),
                *(account or settings.VENUE, account is None, quote, symbol, base, moment.firm, order_id),
            ],
        )
        found, risk, quarantine = cursor.fetchone()
    if found is None:
        raise _no_book(account or settings.VENUE, symbol, quote)
    if found["limits"] is None:
        raise Refused("No risk limits are set, so nothing can be judged. Open the portfolio first.", code="no_limits")
    return _book(found, risk | {"quarantine": quarantine}, symbol, base, quote, agent_id)


def require_tradable(book: Book) -> None:
    """Raise ``Refused`` (``account_disabled``, or the code of its trouble) where nothing new is traded on the account."""
    if book.account_refusal is not None:
        code, sentence = book.account_refusal
        raise Refused(sentence, code=code, field="account")


def _no_book(account: str, symbol: str, quote: str) -> Refused:
    currency = Account.objects.filter(pk=account).values_list("portfolio__base_currency", flat=True).first()
    if currency is None:
        known = ", ".join(Account.objects.order_by("pk").values_list("pk", flat=True)) or "none"
        return Refused(f"account was {account!r}; there are: {known}.", code="unknown_account", field="account")
    sentence = f"The account {account} holds {currency}; {symbol} is paid for in {quote} and can't be traded on it."
    return Refused(sentence, code="no_portfolio", field="instrument")


def _refusal(account: dict[str, Any]) -> tuple[str, str] | None:
    name = account["name"]
    if not account["enabled"]:
        return "account_disabled", f"The account {name} is disabled; an administrator can enable it."
    if account["trouble_code"]:
        return account["trouble_code"], f"The account {name} can't be traded now. {account['trouble']}"
    return None


def _book(  # noqa: PLR0917 - what was read, and for which order
    found: dict[str, Any], risk: dict[str, Any], symbol: str, base: str, quote: str, agent_id: UUID | None
) -> Book:
    balances, open_ones = found["balances"], found["open"]
    here = next((row for row in open_ones if row["symbol"] == symbol), {"orders": 0, "unknown": 0})
    return Book(
        account=found["account"]["name"],
        account_refusal=_refusal(found["account"]),
        portfolio_id=UUID(found["portfolio_id"]),
        currency=quote,
        symbol=symbol,
        cash=Decimal(balances.get(f"{quote}/available", ZERO)),
        reserved_cash=Decimal(balances.get(f"{quote}/reserved", ZERO)),
        free_units=Decimal(balances.get(f"{base}/position", ZERO)),
        holdings=tuple(
            Holding(row["symbol"], Decimal(row["quantity"]), Decimal(row["cost"])) for row in found["holdings"]
        ),
        working_buys={row["symbol"]: Decimal(row["buys_hold"]) for row in open_ones},
        day=date.fromisoformat(found["day"]),
        day_start_equity=Decimal(found["day_start_equity"]),
        peak_equity=Decimal(found["peak_equity"]),
        losses_in_row=found["losses_in_row"],
        last_loss_firm=_time(found["last_loss_firm"]),
        closed_firm=_time(found["closed_firm"]),
        orders_last_hour=found["orders_last_hour"],
        open_orders=sum(row["orders"] for row in open_ones),
        open_on_symbol=here["orders"],
        unknown_orders=sum(row["unknown"] for row in open_ones),
        unknown_on_symbol=here["unknown"],
        causes=tuple(OpenCause(row["kind"], TradingState(row["state"]), row["reason"]) for row in risk["causes"]),
        limits=LimitValues.restored(found["limits"]["values"]),
        limits_version=found["limits"]["version"],
        order_exists=found["order_exists"],
        venue=_venue(risk),
        in_flight=tuple(
            InFlight(row["symbol"], row["side"], Decimal(row["left"]), Decimal(row["price"]))
            for row in risk["in_flight"]
        ),
        budgets_hold=Decimal(risk["budgets_hold"]),
        budget=FIRM if risk["budget"] is None or agent_id is None else budget_of(agent_id),
        budget_cash=Decimal(risk["budget"] or ZERO),
    )


def _venue(risk: dict[str, Any]) -> VenueStanding:
    health = risk["venue"] or {}
    return VenueStanding(
        in_house=bool(risk["in_house"]),
        rung=health.get("rung"),
        reason=health.get("reason", ""),
        clock_offset_ms=health.get("clock_offset_ms"),
        clock_wall=_time(health.get("clock_wall")),
        quarantine=risk["quarantine"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
