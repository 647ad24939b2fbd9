"""The few wallet answers that clients ask for with keys: coins, margin pairs, what the key may do."""

from typing import Any

from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.simulator import Simulator


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
