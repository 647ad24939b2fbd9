"""Public streams: what a subscribed name is sent when its market moved."""

from dataclasses import dataclass
from typing import Any

from workers.exchange_simulator.binance.market_data import LENGTHS, MarketData, book_view, depth_view
from workers.exchange_simulator.binance.views import text
from workers.exchange_simulator.engine.market import Market

_DEPTH = 20


@dataclass(slots=True)
class Subscription:
    """One stream of one socket; ``moves`` is how far it was told."""

    name: str
    market: Market
    kind: str
    moves: int
    levels: tuple[dict[str, str], dict[str, str]] = ({}, {})


def subscription(name: str, data: MarketData) -> Subscription | None:
    """The stream of this name, such as ``btcusdt@kline_1m``; None for an unknown one."""
    pair, _, kind = name.partition("@")
    market = data.markets.get(pair.upper())
    known = kind in {"ticker", "miniTicker", "bookTicker", "trade", "aggTrade"} or kind.startswith("depth")
    if market is None or not (known or kind.removeprefix("kline_") in LENGTHS):
        return None
    return Subscription(name, market, kind, market.moves)


def news(one: Subscription, data: MarketData, now_ms: int) -> list[dict[str, Any]]:
    """What happened on this stream since the last call."""
    market = one.market
    if market.moves == one.moves or data.simulator.frozen.get(market.instrument.symbol, 0) > data.simulator.wall_ms():
        return []
    before, one.moves = one.moves, market.moves
    if one.kind == "bookTicker":
        book = book_view(market)
        names = {"bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A"}
        return [{"u": market.moves, "s": book["symbol"], **{short: book[long] for long, short in names.items()}}]
    if one.kind in {"ticker", "miniTicker"}:
        return [_ticker(data.day_view(market), one.kind, now_ms)]
    if one.kind in {"trade", "aggTrade"}:
        return _trades(one, before, now_ms)
    if one.kind.startswith("kline_"):
        return _kline(one, now_ms)
    return [_depth(one, before, now_ms)]


def _ticker(day: dict[str, Any], kind: str, now_ms: int) -> dict[str, Any]:
    short = {
        "e": "24hrTicker" if kind == "ticker" else "24hrMiniTicker",
        "E": now_ms,
        "s": day["symbol"],
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }
    if kind == "miniTicker":
        return short
    return short | {
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def _trades(one: Subscription, before: int, now_ms: int) -> list[dict[str, Any]]:
    pair = one.market.instrument.pair
    found = [trade for trade in one.market.trades if trade.id > before]
    return [
        {
            "e": one.kind,
            "E": now_ms,
            "s": pair,
            ("t" if one.kind == "trade" else "a"): trade.id,
            "p": text(trade.price),
            "q": text(trade.quantity),
            "T": trade.at_ms,
            "m": trade.buyer_is_maker,
            "M": True,
        }
        for trade in found
    ]


def _kline(one: Subscription, now_ms: int) -> list[dict[str, Any]]:
    market, interval = one.market, one.kind.removeprefix("kline_")
    length = LENGTHS[interval]
    open_ms = market.now_ms - market.now_ms % length
    bar = market.merged(open_ms, length)
    if bar is None:
        return []
    view = {
        "t": bar.open_ms,
        "T": bar.open_ms + length - 1,
        "s": market.instrument.pair,
        "i": interval,
        "f": 0,
        "L": market.moves,
        "o": text(bar.open),
        "c": text(bar.close),
        "h": text(bar.high),
        "l": text(bar.low),
        "v": text(bar.volume),
        "n": 1,
        "x": False,
        "q": text(bar.volume * bar.close),
    }
    return [{"e": "kline", "E": now_ms, "s": market.instrument.pair, "k": view}]


def _depth(one: Subscription, before: int, now_ms: int) -> dict[str, Any]:
    """Changed levels since the last message; a level that went is sent with nothing in it."""
    book = depth_view(one.market, _DEPTH)
    digits = one.kind.removeprefix("depth").partition("@")[0]
    if digits.isdigit():
        return {"lastUpdateId": book["lastUpdateId"], "bids": book["bids"], "asks": book["asks"]}
    sides = (dict(book["bids"]), dict(book["asks"]))
    changes = [
        [[price, "0.00000000"] for price in old if price not in new] + [[price, left] for price, left in new.items()]
        for old, new in zip(one.levels, sides, strict=True)
    ]
    one.levels = sides
    pair = one.market.instrument.pair
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "s": pair,
        "U": before + 1,
        "u": one.moves,
        "b": changes[0],
        "a": changes[1],
    }
