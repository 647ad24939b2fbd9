"""Deposits and withdrawals of one asset, where the library lists them for an exchange."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apps.trading.adapters.ccxt_answers import Nonsense, number
from apps.trading.domain.venues.venue_transfer import VenueTransfer

# A withdrawal leaves the account when it is asked for; a deposit arrives when it is confirmed.
_ARRIVED, _LEFT = frozenset({"ok"}), frozenset({"ok", "pending"})


async def transfers_told(client: Any, asset: str, since: int) -> tuple[list[Any], list[Any]]:
    """Deposits and withdrawals since, in milliseconds of the exchange; none where it lists none."""
    deposits = await client.fetch_deposits(asset, since) if client.has.get("fetchDeposits") is True else []
    withdrawals = await client.fetch_withdrawals(asset, since) if client.has.get("fetchWithdrawals") is True else []
    return deposits, withdrawals


def transfers_of(deposits: list[Any], withdrawals: list[Any], asset: str) -> list[VenueTransfer]:
    """Those that have moved money. Raises ``Nonsense``."""
    moved = [_transfer(row, asset, came_in=True) for row in deposits if _counts(row, asset, _ARRIVED)]
    return moved + [_transfer(row, asset, came_in=False) for row in withdrawals if _counts(row, asset, _LEFT)]


def _counts(row: Mapping[str, Any], asset: str, states: frozenset[str]) -> bool:
    return row.get("currency") == asset and row.get("status") in states


def _transfer(row: Mapping[str, Any], asset: str, *, came_in: bool) -> VenueTransfer:
    name, stamp = row.get("id") or row.get("txid"), row.get("timestamp")
    if not name or not isinstance(stamp, int):
        raise Nonsense(f"A transfer of {asset} has no id or no time.", field="id", answer=row.get("info"))
    amount = number(row.get("amount"), "amount", row)
    fee = row.get("fee") or {}
    if not came_in and fee.get("cost") is not None and fee.get("currency") == asset:
        amount += number(fee["cost"], "fee", row)
    if amount <= 0:
        raise Nonsense(f"A transfer of {asset} was {amount}, not above zero.", field="amount", was=amount)
    return VenueTransfer(str(name), asset, amount if came_in else -amount, datetime.fromtimestamp(stamp / 1000, UTC))
