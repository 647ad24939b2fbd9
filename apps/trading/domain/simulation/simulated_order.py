"""An order of a backtest and its fills, under the names and identifiers it would have in the house."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.foundation.money import ZERO, plain
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState
from apps.trading.domain.venues.fill_simulation import Liquidity, WorkingOrder


@dataclass(frozen=True, slots=True)
class SimulatedTrade:
    """One fill: base quantity, quote price, fee in the quote currency, and when (firm)."""

    quantity: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity
    at: datetime


@dataclass(slots=True)
class SimulatedOrder:
    """A market order. ``protective``: the guard's stop, which waits as ARMED until ``stop_price`` is hit.

    ``reserved_left``: quote currency of a buy, units of a sale. ``mark_price``: what it was judged at.
    ``gate_digest``: of all that the gate looked at, where the account keeps it.
    """

    id: UUID
    symbol: str
    side: str
    quantity: Decimal
    proposed_at: datetime
    state: OrderState
    reason: str
    protective: bool = False
    stop_price: Decimal | None = None
    mark_price: Decimal | None = None
    agent_id: UUID | None = None
    decision_id: UUID | None = None
    denial: str = ""
    gate_digest: str = ""
    reserved_left: Decimal = ZERO
    funds: Decimal | None = None
    resting: bool = False
    accepted_at: datetime | None = None
    filled: Decimal = ZERO
    fills: list[SimulatedTrade] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.state not in TERMINAL

    @property
    def at_venue(self) -> bool:
        """Sent, and not at its end."""
        return self.accepted_at is not None and self.is_open

    def as_offered(self) -> WorkingOrder:
        """As the paper exchange matches it."""
        return WorkingOrder(
            order_id=self.id.hex,
            side="buy" if self.side == "buy" else "sell",
            type="market",
            remaining=self.quantity - self.filled,
            resting=self.resting,
            funds=self.funds,
        )

    def line(self) -> str:
        """All that makes it this order, in one line: what the digest of a run is taken of."""
        fills = ";".join(
            f"{plain(each.quantity)}@{plain(each.price)}-{plain(each.fee)}@{each.at.isoformat()}" for each in self.fills
        )
        head = (self.id.hex, self.symbol, self.side, plain(self.quantity), plain(self.stop_price))
        return "|".join(map(str, (*head, self.proposed_at.isoformat(), self.state, self.denial, fills)))
