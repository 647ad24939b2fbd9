"""Kraken's own names: XBT for BTC, XDG for DOGE, and ids that look like its own."""

from workers.exchange_simulator.engine.exchange import Exchange

_ASSETS = {"BTC": "XBT", "DOGE": "XDG"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_GROUPS = (5, 5, 6)


def asset_name(asset: str) -> str:
    return _ASSETS.get(asset, asset)


def own_id(kind: str, number: int) -> str:
    """``O`` or ``T`` and the number in Kraken's letters: ``OAAAAA-AAAAA-AAAAAB``."""
    letters = ""
    for _ in range(sum(_GROUPS)):
        number, digit = divmod(number, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    first, second, third = _GROUPS
    return f"{kind}{letters[:first]}-{letters[first : first + second]}-{letters[-third:]}"


def number_of(name: str) -> int | None:
    """The number behind such an id; None for one that is none."""
    number = 0
    for letter in name[1:].replace("-", ""):
        if letter not in _LETTERS:
            return None
        number = number * len(_LETTERS) + _LETTERS.index(letter)
    return number


class PairNames:
    """Symbols by Kraken's pair names, and the other way round."""

    def __init__(self, exchange: Exchange) -> None:
        self.pairs: dict[str, str] = {}
        self.symbols: dict[str, str] = {}
        for symbol, market in exchange.markets.items():
            instrument = market.instrument
            pair = asset_name(instrument.base) + asset_name(instrument.quote)
            self.pairs[symbol] = pair
            for name in (pair, instrument.pair, symbol):
                self.symbols[name] = symbol
