"""Stop trading: the cause commits first and alone, then open orders are cancelled, then, if wished, all is sold."""

from typing import Any

import structlog
from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import HQError
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.models import Position
from apps.trading.operations.books.lock_portfolios import lock_portfolios
from apps.trading.operations.orders.cancel_order import cancel_open_orders
from apps.trading.operations.orders.close_position import close_position
from apps.trading.operations.risk.state_causes import OPERATOR_STOP, open_cause
from apps.trading.queries.trading_state import state_view

log = structlog.get_logger(__name__)
DEFAULT_REASON = "Stopped by hand."


def halt_trading(*, actor: str, reason: str, flatten: bool, moment: Moment) -> dict[str, Any]:
    """Halt, latched until somebody resumes; what was cancelled and sold, and what could not be.

    Call it outside a transaction: the halt is in force once its first one has committed, whatever comes after.
    Protective stops stay armed. Halting twice changes nothing but cancels what has come since.
    """
    with transaction.atomic():
        newly = open_cause(
            kind=OPERATOR_STOP,
            state=TradingState.HALTED,
            latched=True,
            author=actor,
            reason=reason.strip() or DEFAULT_REASON,
            moment=moment,
        )
    with transaction.atomic():
        # Whoever judged an order before the halt was in force has committed once this lock is ours.
        lock_portfolios()
    canceled = cancel_open_orders(actor=actor, reason="Trading was halted.", moment=moment)
    sales, left = _flatten(actor, moment) if flatten else ([], [])
    return {
        **state_view(),
        "newly_halted": newly,
        "canceled_orders": canceled,
        "flatten": flatten,
        "flatten_orders": sales,
        "not_flattened": left,
        "open_positions": sorted({symbol for _, symbol in _held()}),
    }


def _held() -> list[tuple[str, str]]:
    held = Position.objects.filter(quantity__gt=0).order_by("portfolio_id", "symbol")
    return list(held.values_list("portfolio__account__name", "symbol"))


def _flatten(actor: str, moment: Moment) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    sales: list[dict[str, Any]] = []
    left: list[dict[str, str]] = []
    for account, symbol in _held():
        try:
            order = close_position(
                account=account,
                symbol=symbol,
                actor=actor,
                reason="Flatten on stop.",
                moment=moment,
                origin="flatten",
                privileged=True,
            )
        except HQError as error:
            log.warning("not_flattened", account=account, instrument=symbol, code=error.code, reason=error.message)
            left.append({"account": account, "instrument": symbol, "code": error.code, "detail": error.message})
        else:
            sales.append({"id": order["id"], "account": account, "instrument": symbol, "state": order["state"]})
    return sales, left
