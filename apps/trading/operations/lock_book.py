"""Lock a portfolio and read all the gate needs of it in one round trip (``hq_lock_book``)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.money import ZERO
from apps.trading.domain.book import Book
from apps.trading.domain.portfolio import Holding
from apps.trading.domain.risk_limits import LimitValues
from apps.trading.domain.trading_state import OpenCause, TradingState


def lock_book(*, symbol: str, base: str, quote: str, moment: Moment, order_id: UUID | None = None) -> Book:
    """The book of the portfolio in ``quote``, locked until the transaction ends.

    Raises ``Refused`` (``no_portfolio``) where no portfolio has that currency, and when no limits were ever set.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A book is locked inside the transaction that changes it.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT hq_lock_book(%s, %s, %s, %s, %s)", [quote, symbol, base, moment.firm, order_id])
        found = cursor.fetchone()[0]
    if found is None:
        raise Refused(
            f"No portfolio holds {quote}; {symbol} can't be traded here.", code="no_portfolio", field="instrument"
        )
    if found["limits"] is None:
        raise Refused("No risk limits are set, so nothing can be judged. Open the portfolio first.", code="no_limits")
    return _book(found, symbol, base, quote)


def _book(found: dict[str, Any], symbol: str, base: str, quote: str) -> Book:
    balances, open_ones = found["balances"], found["open"]
    here = next((row for row in open_ones if row["symbol"] == symbol), {"orders": 0, "unknown": 0})
    return Book(
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
        causes=tuple(OpenCause(row["kind"], TradingState(row["state"]), row["reason"]) for row in found["causes"]),
        limits=LimitValues.restored(found["limits"]["values"]),
        limits_version=found["limits"]["version"],
        order_exists=found["order_exists"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
