"""Public answers: instruments, prices, books, bars, trades."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workers.exchange_simulator.binance.errors import bad_symbol, declined, missing
from workers.exchange_simulator.binance.views import instrument_view, text
from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.market import Market, PublicTrade
from workers.exchange_simulator.engine.orders import ZERO, Side
from workers.exchange_simulator.engine.price_feed import Bar
from workers.exchange_simulator.simulator import Simulator

DAY_MS = 86_400_000
LENGTHS = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": DAY_MS,
}


class MarketData:
    """Everything that needs no key."""

    def __init__(self, simulator: Simulator, weight_limit: int, order_limit: int) -> None:
        self.simulator = simulator
        self.markets = {market.instrument.pair: market for market in simulator.exchange.markets.values()}
        self.limits = weight_limit, order_limit

    def market(self, call: Call) -> Market:
        """The market that ``symbol`` names; raises ``Declined``."""
        pair = call.params.get("symbol")
        if not pair:
            raise missing("symbol")
        found = self.markets.get(pair)
        if found is None:
            raise bad_symbol()
        return found

    def ping(self, _: Call) -> dict[str, Any]:
        return {}

    def time(self, call: Call) -> dict[str, Any]:
        return {"serverTime": call.now_ms}

    def exchange_info(self, call: Call) -> dict[str, Any]:
        weight, orders = self.limits
        markets = [self.market(call)] if "symbol" in call.params else list(self.markets.values())
        return {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": orders},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
            ],
            "exchangeFilters": [],
            "symbols": [instrument_view(market.instrument) for market in markets],
        }

    def ticker_day(self, call: Call) -> Any:
        return self._one_or_all(call, lambda market: self._kept("day", market, self.day_view))

    def ticker_book(self, call: Call) -> Any:
        return self._one_or_all(call, lambda market: self._kept("book", market, book_view))

    def ticker_price(self, call: Call) -> Any:
        return self._one_or_all(call, lambda market: self._kept("price", market, price_view))

    def average_price(self, call: Call) -> dict[str, Any]:
        market = self.market(call)
        return {"mins": 5, "price": text(market.price), "closeTime": call.now_ms}

    def depth(self, call: Call) -> dict[str, Any]:
        market, limit = self.market(call), _limit(call, 100, 5_000)
        return self._kept(f"depth{limit}", market, lambda one: depth_view(one, limit))

    def klines(self, call: Call) -> list[list[Any]]:
        market, length = self.market(call), LENGTHS.get(call.params.get("interval", ""))
        if length is None:
            raise declined(-1120, "Invalid interval.")
        if length < market.feed.bar_ms:
            raise declined(-1120, "Invalid interval. The recorded bars are longer.")
        limit = _limit(call, 500, 1_000)
        end = min(int(call.params.get("endTime", market.now_ms)), market.now_ms)
        if "startTime" in call.params:
            start = -(-int(call.params["startTime"]) // length) * length
            opens = range(start, min(end, start + (limit - 1) * length) + 1, length)
            bars = [bar for at in opens if (bar := market.merged(at, length)) is not None]
        else:
            bars = market.history(length, end, limit)
        return [kline_view(bar, length) for bar in bars]

    def trades(self, call: Call) -> list[dict[str, Any]]:
        market = self.market(call)
        return [_trade_view(trade) for trade in list(market.trades)[-_limit(call, 500, 1_000) :]]

    def aggregated_trades(self, call: Call) -> list[dict[str, Any]]:
        market, limit = self.market(call), _limit(call, 500, 1_000)
        trades = list(market.trades)
        if "fromId" in call.params:
            return [_aggregated(trade) for trade in trades if trade.id >= int(call.params["fromId"])][:limit]
        start, end = int(call.params.get("startTime", 0)), int(call.params.get("endTime", 2**62))
        found = [trade for trade in trades if start <= trade.at_ms <= end]
        return [_aggregated(trade) for trade in (found[:limit] if start else found[-limit:])]

    def day_view(self, market: Market) -> dict[str, Any]:
        """The rolling day, from at most 1,440 bars."""
        hour = 3_600_000
        end = market.now_ms - market.now_ms % hour
        bars = [bar for at in range(end - 23 * hour, end + 1, hour) if (bar := market.merged(at, hour)) is not None]
        first = bars[0] if bars else Bar(market.now_ms, market.price, market.price, market.price, market.price, ZERO)
        volume = sum((bar.volume for bar in bars), ZERO)
        worth = sum((bar.volume * (bar.high + bar.low) / 2 for bar in bars), ZERO)
        change = market.price - first.open
        now = self.simulator.now_ms()
        return {
            "symbol": market.instrument.pair,
            "priceChange": text(change),
            "priceChangePercent": format((change / first.open * 100).quantize(Decimal("0.001")), "f"),
            "weightedAvgPrice": text(worth / volume if volume else market.price),
            "prevClosePrice": text(first.open),
            "lastPrice": text(market.price),
            "lastQty": text(market.trades[-1].quantity if market.trades else ZERO),
            **{name: value for name, value in book_view(market).items() if name != "symbol"},
            "openPrice": text(first.open),
            "highPrice": text(max((bar.high for bar in bars), default=market.price)),
            "lowPrice": text(min((bar.low for bar in bars), default=market.price)),
            "volume": text(volume),
            "quoteVolume": text(worth),
            "openTime": now - DAY_MS,
            "closeTime": now,
            "firstId": 0,
            "lastId": market.moves,
            "count": market.moves,
        }

    def _one_or_all(self, call: Call, view: Callable[[Market], dict[str, Any]]) -> Any:
        if "symbol" in call.params:
            return view(self.market(call))
        if "symbols" in call.params:
            wanted = call.params["symbols"].strip("[]").replace('"', "").split(",")
            if any(pair not in self.markets for pair in wanted):
                raise bad_symbol()
            return [view(self.markets[pair]) for pair in wanted]
        return [view(market) for market in self.markets.values()]

    def _kept(self, kind: str, market: Market, view: Callable[[Market], dict[str, Any]]) -> dict[str, Any]:
        """The answer, or the one given before while this symbol's data is frozen by a fault."""
        symbol = market.instrument.symbol
        if self.simulator.frozen.get(symbol, 0) > self.simulator.wall_ms():
            return self.simulator.stale.setdefault(f"{kind}|{symbol}", view(market))
        self.simulator.stale.pop(f"{kind}|{symbol}", None)
        return view(market)


def book_view(market: Market) -> dict[str, Any]:
    """Best bid and ask."""
    bid, ask = (next(market.depth.levels(side)) for side in (Side.SELL, Side.BUY))
    return {
        "symbol": market.instrument.pair,
        "bidPrice": text(bid[1]),
        "bidQty": text(bid[2]),
        "askPrice": text(ask[1]),
        "askQty": text(ask[2]),
    }


def price_view(market: Market) -> dict[str, Any]:
    return {"symbol": market.instrument.pair, "price": text(market.price)}


def depth_view(market: Market, limit: int) -> dict[str, Any]:
    """Levels of both sides, best first."""
    sides = {}
    for name, side in (("bids", Side.SELL), ("asks", Side.BUY)):
        levels = [level for _, level in zip(range(limit), market.depth.levels(side), strict=False)]
        sides[name] = [[text(price), text(left)] for _, price, left in levels]
    return {"lastUpdateId": market.moves, **sides}


def kline_view(bar: Bar, length: int) -> list[Any]:
    worth = bar.volume * (bar.high + bar.low) / 2
    prices = [text(price) for price in (bar.open, bar.high, bar.low, bar.close)]
    half = text(bar.volume / 2), text(worth / 2)
    return [bar.open_ms, *prices, text(bar.volume), bar.open_ms + length - 1, text(worth), 4, *half, "0"]


def _trade_view(trade: PublicTrade) -> dict[str, Any]:
    return {
        "id": trade.id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.at_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _aggregated(trade: PublicTrade) -> dict[str, Any]:
    return {
        "a": trade.id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _limit(call: Call, default: int, most: int) -> int:
    given = call.params.get("limit", str(default))
    if not given.isdigit() or int(given) < 1:
        raise declined(-1100, "Illegal characters found in parameter 'limit'.")
    return min(int(given), most)
