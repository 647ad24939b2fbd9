"""Close a position at the market: working sales are taken back first, then free units are sold reduce-only.

Whole steps are sold: a fee taken in units leaves an odd amount, whose rest stays as dust.
"""

from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict
from apps.foundation.money import floor_to, plain
from apps.trading.domain.books.dust import is_dust
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.risk.book import Book
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.orders.cancel_order import cancel_open_orders
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_market import MarketReading, read_market
from apps.trading.queries.order_views import newborn_view


def close_position(
    *,
    symbol: str,
    account: str | None = None,
    actor: str,
    reason: str,
    moment: Moment,
    origin: str = "manual",
    privileged: bool = False,
) -> dict[str, Any]:
    """The view of the selling order (or of its denial). ``account`` None: the house's trading account.

    Raises ``NotFound`` for an unknown instrument, and ``Conflict``: ``no_position``, ``position_is_dust`` where the
    venue takes no order for so little, or ``units_reserved`` while orders at the venue still hold all units (they
    were asked to stop; try again once they have).
    """
    reading = read_market(symbol=symbol, moment=moment)
    with transaction.atomic():
        held = _lock(reading, account, moment)
        _require_salable(held, reading)
        cancel_open_orders(
            actor=actor,
            reason="Makes way for closing the position.",
            moment=moment,
            symbol=symbol,
            side="sell",
            account=held.account,
        )
        book = _lock(reading, account, moment)
        if quantity := floor_to(book.free_units, reading.rules.step_size):
            intent = OrderIntent(
                symbol=symbol,
                side="sell",
                quantity=quantity,
                reduce_only=True,
                reason=reason or "Close the position.",
                origin=origin,
                actor=actor,
                privileged=privileged,
                account=book.account,
            )
            return newborn_view(place(intent=intent, reading=reading, book=book, moment=moment))
    # Raised outside, so that the wishes to cancel are kept.
    raise Conflict(
        f"Orders at the venue hold all units of {symbol}; they were asked to stop. Try again once they have.",
        code="units_reserved",
    )


def _require_salable(book: Book, reading: MarketReading) -> None:
    """Raise ``Conflict`` where nothing is held that the venue would take an order for."""
    held, rules = book.held_quantity, reading.rules
    if not held:
        raise Conflict(f"Nothing is held of {rules.symbol}.", code="no_position")
    if is_dust(quantity=held, price=None, rules=rules):
        raise Conflict(
            f"What is held of {rules.symbol}, {plain(held)}, is less than the smallest order of "
            f"{plain(max(rules.step_size, rules.min_quantity))}; it goes with what is bought later.",
            code="position_is_dust",
        )


def _lock(reading: MarketReading, account: str | None, moment: Moment) -> Book:
    rules = reading.rules
    return lock_book(account=account, rules=rules, moment=moment)
