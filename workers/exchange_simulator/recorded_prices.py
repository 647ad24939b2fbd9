"""Prices from recorded candle files, ``<exchange>_<symbol>_<timeframe>.csv.gz``, as a feed."""

import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from apps.market.domain import recorded_set, timeframes
from apps.market.domain.instruments import assumed_rules, split_symbol
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.price_feed import Bar

HEADER = b"timestamp_ms,open,high,low,close,volume"
_SAMPLE = 500
_FIELDS = 6


class RecordedPrices:
    """The run that the files of one folder make for these symbols; the rows are parsed when they are asked for.

    Raises ``NoRecordedRun`` with what is missing. ``shift_ms`` moves opening times.
    """

    def __init__(self, folder: Path, words: Sequence[str], *, shift_ms: int = 0) -> None:
        choice = recorded_set.choose(words, [path.name for path in folder.iterdir()], ["binance", "kraken", "coinbase"])
        exchange = choice.sources[0]
        self.symbols = choice.symbols
        self.bar_ms = timeframes.seconds(choice.timeframe) * 1_000
        self.shift_ms = shift_ms
        self._rows = {symbol: _rows(folder / choice.files[exchange, symbol].name) for symbol in choice.symbols}
        self._parsed: dict[tuple[str, int], Bar] = {}
        self.first_ms = max(min(rows) for rows in self._rows.values()) + shift_ms
        self.last_ms: int | None = min(max(rows) for rows in self._rows.values()) + shift_ms
        self._stated = _stated(folder / f"{exchange}_markets.json")

    def instruments(self) -> list[Instrument]:
        """The exchange's stated rules where its markets file is there, else rules read off the data."""
        return [self._instrument(symbol) for symbol in self.symbols]

    def bar(self, symbol: str, open_ms: int) -> Bar | None:
        """The bar that opens then; None where the recording has a gap or has ended."""
        key = (symbol, open_ms)
        known = self._parsed.get(key)
        if known is not None:
            return known
        row = self._rows[symbol].get(open_ms - self.shift_ms)
        if row is None:
            return None
        parsed = self._parsed[key] = Bar(open_ms, *(Decimal(cell) for cell in row.decode().split(",")[1:_FIELDS]))
        return parsed

    def _instrument(self, symbol: str) -> Instrument:
        base, quote = split_symbol(symbol)
        stated = self._stated.get(f"{base}/{quote}")
        if stated is not None:
            tick, step, least, worth = (
                Decimal(stated[name]) for name in ("tick_size", "step_size", "min_quantity", "min_notional")
            )
            return Instrument(symbol, base, quote, tick, step, least, worth)
        sample = [
            bar
            for at in list(self._rows[symbol])[:_SAMPLE]
            if (bar := self.bar(symbol, at + self.shift_ms)) is not None
        ]
        rules = assumed_rules(
            f"{base}/{quote}", prices=(bar.close for bar in sample), volumes=(bar.volume for bar in sample)
        )
        return Instrument(symbol, base, quote, rules.tick_size, rules.step_size, rules.min_quantity, rules.min_notional)


def _rows(path: Path) -> dict[int, bytes]:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise recorded_set.NoRecordedRun(f"{path.name} must start with the line {HEADER.decode()!r}.")
    return {int(line[: line.index(b",")]): line for line in lines[1:]}


def _stated(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    stated: dict[str, dict[str, str]] = json.loads(path.read_text())
    return stated
