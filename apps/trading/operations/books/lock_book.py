"""Lock a portfolio and read all the gate needs of it in one round trip (``hq_lock_book``)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.database_calls import call
from apps.foundation.errors import Refused
from apps.foundation.money import ZERO
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.ledger_postings import AVAILABLE, FIRM, POSITION, RESERVED, budget_of
from apps.trading.domain.books.portfolio import Holding
from apps.trading.domain.risk.book import Book, VenueStanding
from apps.trading.domain.risk.in_flight import InFlight
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LimitValues
from apps.trading.domain.risk.trading_state import OpenCause, TradingState
from apps.trading.models import Account


class _KnownLimits(NamedTuple):
    key: str
    values: LimitValues


_known = [_KnownLimits("", DEFAULT_LIMITS)]


def lock_book(
    *,
    account: str | None = None,
    rules: InstrumentRules,
    moment: Moment,
    order_id: UUID | None = None,
    agent_id: UUID | None = None,
) -> Book:
    """The book of the account's portfolio, locked until the transaction ends.

    ``rules``: of the instrument. Without an account it is the house's trading account (``VENUE``), or, where that has
    another currency than the instrument, the oldest enabled paper account in it. ``agent_id``: whose budget, if it has
    one, pays a buy. Raises ``Refused``: ``unknown_account``, ``no_portfolio`` where the account has another currency,
    ``no_limits`` when no limits were ever set.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A book is locked inside the transaction that changes it.")
    known, symbol, base, quote = _known[0], rules.symbol, rules.base, rules.quote
    wanted = (account or settings.VENUE, account is None, quote, symbol, base, moment.firm, order_id, known.key)
    text = call("hq_lock_book", *wanted)
    if text is None:
        raise _no_book(account or settings.VENUE, symbol, quote)
    found = orjson.loads(text)
    if found["limits"] is None:
        raise Refused("No risk limits are set, so nothing can be judged. Open the portfolio first.", code="no_limits")
    return _book(found, symbol, base, quote, agent_id, _limits(found["limits"], known))


def require_tradable(book: Book) -> None:
    """Raise ``Refused`` (``account_disabled``, or the code of its trouble) where nothing new is traded on it now."""
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
    found: dict[str, Any], symbol: str, base: str, quote: str, agent_id: UUID | None, limits: LimitValues
) -> Book:
    balances = {key: Decimal(balance) for key, balance in found["balances"].items()}
    budget = FIRM if agent_id is None else budget_of(agent_id)
    has_budget = f"{budget}/{quote}/{AVAILABLE}" in balances
    positions = found["positions"] or ()
    working = found["working"] or ()
    return Book(
        account=found["account"]["name"],
        account_refusal=_refusal(found["account"]),
        portfolio_id=UUID(found["portfolio_id"]),
        currency=quote,
        symbol=symbol,
        cash=balances.get(f"{FIRM}/{quote}/{AVAILABLE}", ZERO),
        reserved_cash=balances.get(f"{FIRM}/{quote}/{RESERVED}", ZERO),
        free_units=balances.get(f"{FIRM}/{base}/{POSITION}", ZERO),
        holdings=tuple(_holdings(positions)),
        working_buys={row["symbol"]: Decimal(row["holds"] or 0) for row in working},
        day=date.fromisoformat(found["day"]),
        day_start_equity=Decimal(found["day_start_equity"]),
        peak_equity=Decimal(found["peak_equity"]),
        losses_in_row=found["losses_in_row"],
        last_loss_firm=_time(found["last_loss_firm"]),
        closed_firm=_time(next((row["closed_firm"] for row in positions if row["symbol"] == symbol), None)),
        orders_last_hour=found["orders_last_hour"],
        open_orders=sum(row["open"] for row in working),
        open_on_symbol=sum(row["open"] for row in working if row["symbol"] == symbol),
        unknown_orders=sum(row["unknown"] for row in working),
        unknown_on_symbol=sum(row["unknown"] for row in working if row["symbol"] == symbol),
        causes=tuple(
            OpenCause(row["kind"], TradingState(row["state"]), row["reason"]) for row in found["causes"] or ()
        ),
        limits=limits,
        limits_version=found["limits"]["version"],
        order_exists=found["order_exists"],
        venue=_venue(found),
        in_flight=tuple(
            InFlight(row["symbol"], side, Decimal(left), Decimal(price))
            for row in working
            for side, left, price in row["at_venue"] or ()
            if price is not None
        ),
        market_key=found["market_key"],
        budgets_hold=_in_budgets(balances, quote),
        budget=budget if has_budget else FIRM,
        budget_cash=balances[f"{budget}/{quote}/{AVAILABLE}"] if has_budget and budget != FIRM else ZERO,
    )


def _holdings(positions: Iterable[dict[str, Any]]) -> Iterator[Holding]:
    for row in positions:
        quantity = Decimal(row["quantity"])
        if quantity > 0:
            yield Holding(row["symbol"], quantity, Decimal(row["cost"]), dust=row["closed_firm"] is not None)


def _in_budgets(balances: Mapping[str, Decimal], quote: str) -> Decimal:
    """Money in the agents' budgets, free or reserved."""
    ends = (f"/{quote}/{AVAILABLE}", f"/{quote}/{RESERVED}")
    return sum((b for key, b in balances.items() if key.endswith(ends) and not key.startswith(f"{FIRM}/")), ZERO)


def _limits(told: dict[str, Any], known: _KnownLimits) -> LimitValues:
    """The limits that hold: read once by each process, since a version never changes."""
    if told["values"] is None:
        return known.values
    _known[0] = _KnownLimits(told["key"], LimitValues.restored(told["values"]))
    return _known[0].values


def _venue(found: dict[str, Any]) -> VenueStanding:
    health = found["venue"] or {}
    return VenueStanding(
        in_house=found["in_house"],
        rung=health.get("rung"),
        reason=health.get("reason", ""),
        clock_offset_ms=health.get("clock_offset_ms"),
        clock_wall=_time(health.get("clock_wall")),
        quarantine=found["quarantine"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
