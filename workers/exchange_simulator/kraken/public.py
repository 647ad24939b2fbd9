"""Kraken's public answers."""

from typing import Any

from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.market import Market
from workers.exchange_simulator.engine.orders import ZERO, Side
from workers.exchange_simulator.kraken.errors import declined
from workers.exchange_simulator.kraken.names import PairNames, asset_name
from workers.exchange_simulator.simulator import Simulator

_MINUTE_MS, _DAY_MS = 60_000, 86_400_000
_BARS = 720


class KrakenMarketData:
    def __init__(self, simulator: Simulator, names: PairNames) -> None:
        self.simulator, self.names = simulator, names

    def time(self, call: Call) -> dict[str, Any]:
        return {"unixtime": call.now_ms // 1_000, "rfc1123": ""}

    def status(self, _: Call) -> dict[str, Any]:
        return {"status": "online", "timestamp": ""}

    def assets(self, _: Call) -> dict[str, Any]:
        instruments = [market.instrument for market in self.simulator.exchange.markets.values()]
        assets = sorted({asset for instrument in instruments for asset in (instrument.base, instrument.quote)})
        return {
            asset_name(asset): {
                "aclass": "currency",
                "altname": asset_name(asset),
                "decimals": 10,
                "display_decimals": 8,
                "status": "enabled",
            }
            for asset in assets
        }

    def pairs(self, _: Call) -> dict[str, Any]:
        return {self.names.pairs[symbol]: self._pair(market) for symbol, market in self._markets()}

    def ticker(self, call: Call) -> dict[str, Any]:
        wanted = [self._symbol(name) for name in call.params["pair"].split(",")] if call.params.get("pair") else None
        found = {}
        for symbol, market in self._markets():
            if wanted is None or symbol in wanted:
                found[self.names.pairs[symbol]] = self._frozen(symbol, _ticker(market))
        return found

    def bars(self, call: Call) -> dict[str, Any]:
        market = self._market(call)
        length = int(call.params.get("interval", "1")) * _MINUTE_MS
        if length < market.feed.bar_ms:
            raise declined("EGeneral:Invalid arguments:interval")
        since = int(float(call.params.get("since", 0))) * 1_000
        bars = [bar for bar in market.history(length, market.now_ms, _BARS) if bar.open_ms > since - length]
        rows = [
            [
                bar.open_ms // 1_000,
                *(format(price, "f") for price in (bar.open, bar.high, bar.low, bar.close)),
                format((bar.high + bar.low) / 2, "f"),
                format(bar.volume, "f"),
                4,
            ]
            for bar in bars
        ]
        return {self.names.pairs[market.instrument.symbol]: rows, "last": rows[-1][0] if rows else 0}

    def depth(self, call: Call) -> dict[str, Any]:
        market, count = self._market(call), int(call.params.get("count", 100))
        now = call.now_ms // 1_000
        book = {
            name: [
                [format(price, "f"), format(left, "f"), now]
                for _, (_, price, left) in zip(range(count), market.depth.levels(side), strict=False)
            ]
            for name, side in (("asks", Side.BUY), ("bids", Side.SELL))
        }
        return {self.names.pairs[market.instrument.symbol]: book}

    def trades(self, call: Call) -> dict[str, Any]:
        market = self._market(call)
        since = int(call.params.get("since", "0")) // 1_000_000
        rows = [
            [
                format(trade.price, "f"),
                format(trade.quantity, "f"),
                trade.at_ms / 1_000,
                "s" if trade.buyer_is_maker else "b",
                "m",
                "",
                trade.id,
            ]
            for trade in market.trades
            if trade.at_ms > since
        ]
        last = str(market.trades[-1].at_ms * 1_000_000) if market.trades else "0"
        return {self.names.pairs[market.instrument.symbol]: rows, "last": last}

    def _pair(self, market: Market) -> dict[str, Any]:
        instrument = market.instrument
        base, quote = asset_name(instrument.base), asset_name(instrument.quote)
        return {
            "altname": base + quote,
            "wsname": f"{base}/{quote}",
            "aclass_base": "currency",
            "base": base,
            "aclass_quote": "currency",
            "quote": quote,
            "lot": "unit",
            "cost_decimals": 8,
            "pair_decimals": instrument.price_decimals(),
            "lot_decimals": instrument.quantity_decimals(),
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, 0.1]],
            "fees_maker": [[0, 0.1]],
            "fee_volume_currency": "ZUSD",
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": format(instrument.min_quantity, "f"),
            "costmin": format(instrument.min_notional, "f"),
            "tick_size": format(instrument.tick_size, "f"),
            "status": "online" if instrument.trading else "cancel_only",
        }

    def _markets(self) -> list[tuple[str, Market]]:
        return list(self.simulator.exchange.markets.items())

    def _market(self, call: Call) -> Market:
        return self.simulator.exchange.markets[self._symbol(call.params.get("pair", ""))]

    def _symbol(self, name: str) -> str:
        if name not in self.names.symbols:
            raise declined("EQuery:Unknown asset pair")
        return self.names.symbols[name]

    def _frozen(self, symbol: str, view: dict[str, Any]) -> dict[str, Any]:
        """The answer given before while this symbol's data is frozen by a fault."""
        name = f"kraken|{symbol}"
        if self.simulator.frozen.get(symbol, 0) > self.simulator.wall_ms():
            return self.simulator.stale.setdefault(name, view)
        self.simulator.stale.pop(name, None)
        return view


def _ticker(market: Market) -> dict[str, Any]:
    day = market.merged(market.now_ms - market.now_ms % _DAY_MS, _DAY_MS)
    price = format(market.price, "f")
    opened, high, low = (format(one, "f") for one in (day.open, day.high, day.low)) if day else (price, price, price)
    volume = format(day.volume if day else ZERO, "f")
    sizes = [next(market.depth.levels(side)) for side in (Side.BUY, Side.SELL)]
    ask, bid = ([format(level[1], "f"), "1", format(level[2], "f")] for level in sizes)
    return {
        "a": ask,
        "b": bid,
        "c": [price, "0.00000000"],
        "v": [volume, volume],
        "p": [price, price],
        "t": [market.moves, market.moves],
        "l": [low, low],
        "h": [high, high],
        "o": opened,
    }
