"""The few wallet answers that clients ask for with keys: coins, margin pairs, what the key may do."""

from datetime import UTC, datetime
from typing import Any

from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.accounts import OutsideTransfer
from workers.exchange_simulator.simulator import Simulator

_CREDITED, _COMPLETED = 1, 6  # states of a deposit and of a withdrawal


class Wallet:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def restrictions(self, call: Call) -> dict[str, Any]:
        """``account/apiRestrictions``: the rights of the key."""
        account = call.client
        return {
            "ipRestrict": False,
            "createTime": 0,
            "enableReading": True,
            "enableWithdrawals": account.can_withdraw,
            "enableInternalTransfer": account.can_withdraw,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableSpotAndMarginTrading": account.can_trade,
            "enablePortfolioMarginTrading": False,
        }

    def coins(self, call: Call) -> list[dict[str, Any]]:
        """``capital/config/getall``: every asset that is traded."""
        instruments = [market.instrument for market in self.simulator.exchange.markets.values()]
        assets = sorted({asset for instrument in instruments for asset in (instrument.base, instrument.quote)})
        return [
            {
                "coin": asset,
                "name": asset,
                "trading": True,
                "depositAllEnable": True,
                "withdrawAllEnable": True,
                "isLegalMoney": False,
                "free": format(call.client.balance(asset).free, "f"),
                "locked": format(call.client.balance(asset).locked, "f"),
                "networkList": [],
            }
            for asset in assets
        ]

    def deposits(self, call: Call) -> list[dict[str, Any]]:
        """``capital/deposit/hisrec``, newest first."""
        return [
            {
                "id": one.id,
                "amount": format(one.amount, "f"),
                "coin": one.asset,
                "network": one.asset,
                "status": _CREDITED,
                "address": "",
                "addressTag": "",
                "txId": f"tx-{one.id}",
                "insertTime": one.at_ms,
                "transferType": 0,
                "confirmTimes": "1/1",
            }
            for one in self._listed(call, incoming=True)
        ]

    def withdrawals(self, call: Call) -> list[dict[str, Any]]:
        """``capital/withdraw/history``, newest first."""
        return [
            {
                "id": one.id,
                "amount": format(-one.amount, "f"),
                "transactionFee": "0",
                "coin": one.asset,
                "network": one.asset,
                "status": _COMPLETED,
                "address": "",
                "txId": f"tx-{one.id}",
                "applyTime": datetime.fromtimestamp(one.at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
                "transferType": 0,
            }
            for one in self._listed(call, incoming=False)
        ]

    def _listed(self, call: Call, *, incoming: bool) -> list[OutsideTransfer]:
        coin, since = call.params.get("coin"), int(call.params.get("startTime", 0))
        return [
            one
            for one in reversed(self.simulator.exchange.transfers)
            if one.account == call.client.name
            and (one.amount > 0) == incoming
            and coin in {None, one.asset}
            and one.at_ms >= since
        ]

    def nothing(self, _: Call) -> list[Any]:
        """Margin pairs: none are offered."""
        return []

    def status(self, _: Call) -> dict[str, Any]:
        return {"status": 0, "msg": "normal"}

    def trade_fees(self, call: Call) -> list[dict[str, str]]:
        maker, taker = format(call.client.maker_rate, "f"), format(call.client.taker_rate, "f")
        return [
            {"symbol": market.instrument.pair, "makerCommission": maker, "takerCommission": taker}
            for market in self.simulator.exchange.markets.values()
        ]
