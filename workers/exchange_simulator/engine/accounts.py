"""Accounts: who trades, what they hold, what their key may do."""

from dataclasses import dataclass, field
from decimal import Decimal

from workers.exchange_simulator.engine.orders import ZERO
from workers.exchange_simulator.engine.rejections import Reason, Rejection


@dataclass(slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class OutsideTransfer:
    """Money or units that came in (below zero: went out), as the exchange lists it."""

    id: str
    account: str
    asset: str
    amount: Decimal
    at_ms: int


@dataclass(slots=True)
class Account:
    """One key pair with its balances. ``fee_in``: ``received`` (what an order brings in), ``quote``, or an asset such
    as ``BNB``, which is taken while there is enough of it. Rates are fractions.
    """

    name: str
    key: str
    secret: str
    balances: dict[str, Balance] = field(default_factory=dict)
    maker_rate: Decimal = Decimal("0.001")
    taker_rate: Decimal = Decimal("0.001")
    fee_in: str = "received"
    can_trade: bool = True
    can_withdraw: bool = False
    revoked: bool = False
    updated_ms: int = 0
    last_nonce: int = 0

    def balance(self, asset: str) -> Balance:
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def lock(self, asset: str, amount: Decimal) -> None:
        """Hold ``amount`` back; raises ``Rejection`` when less is free."""
        held = self.balance(asset)
        if held.free < amount:
            raise Rejection(Reason.INSUFFICIENT_BALANCE, f"{amount} {asset} wanted, {held.free} free")
        held.free -= amount
        held.locked += amount

    def release(self, asset: str, amount: Decimal) -> None:
        held = self.balance(asset)
        held.locked -= amount
        held.free += amount
