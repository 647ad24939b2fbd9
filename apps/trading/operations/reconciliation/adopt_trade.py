"""Take a trade into the books that no order of ours made: as an order of its own, on a person's word."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.trading.domain.books.positions import FillExceedsPositionError
from apps.trading.models import Order
from apps.trading.operations.books.apply_fill import OverFillError, apply_fill
from apps.trading.operations.reconciliation.import_order import ProvenOrder, import_order
from apps.trading.ports import VenueFill


def adopt_trade(*, trade: dict[str, Any], account: str, actor: str, reason: str, moment: Moment) -> bool:
    """Post a kept trade (``fill_facts``) inside the running transaction; False when it is in the books already.

    Raises ``Refused`` (``exceeds_position``) for a sale of more than is held.
    """
    fill = fill_of(trade)
    proven = ProvenOrder(
        client_order_id="",
        venue_order_id=f"trade {fill.venue_trade_id}",
        symbol=fill.symbol,
        side=fill.side,
        type="market",
        quantity=fill.quantity,
        limit_price=None,
        accepted_firm=fill.executed_firm,
        evidence={"trade": trade},
    )
    order_id = import_order(proven=proven, account=account, actor=actor, reason=reason, moment=moment)
    client_id = Order.objects.values_list("client_order_id", flat=True).get(pk=order_id)
    try:
        return apply_fill(
            fill=replace(fill, client_order_id=client_id, venue_order_id=""), account=account, moment=moment
        )
    except (OverFillError, FillExceedsPositionError) as error:
        raise Refused(
            f"The trade can't enter the books: {error} Accept the missing units as a deposit first, or ignore it.",
            code="exceeds_position",
            field="choice",
        ) from error


def fill_of(trade: dict[str, Any]) -> VenueFill:
    """The trade as it was kept with its break."""
    return VenueFill(
        venue_trade_id=trade["venue_trade_id"],
        client_order_id=trade["client_order_id"],
        venue_order_id=trade["venue_order_id"],
        symbol=trade["symbol"],
        side=trade["side"],
        quantity=Decimal(trade["quantity"]),
        price=Decimal(trade["price"]),
        fee=Decimal(trade["fee"]),
        fee_asset=trade["fee_asset"],
        liquidity=trade["liquidity"],
        executed_firm=datetime.fromisoformat(trade["executed_at"]),
    )
