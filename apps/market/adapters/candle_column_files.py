"""Recorded candle files read as columns at once: half a million rows in less than a second."""

import gzip
import re
from pathlib import Path

import numpy as np

from apps.market.adapters.recorded_provider import HEADER, stated_rules
from apps.market.domain.candle_columns import PRICES, CandleColumns, sound_rows
from apps.market.domain.instruments import InstrumentRules, assumed_rules
from apps.market.domain.recorded_set import NoRecordedRun, RecordedFile, parse_name

_CHARACTERS = b"0123456789.,eE+-\n"
_CELLS = 6
_QUOTES = ("USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "BTC", "ETH")
_SAMPLE = 2_000  # rows from which assumed steps are read
_LONG = 4_000_000  # characters from which the compiled reader is worth its loading


def read_columns(path: Path, *, symbol: str | None = None) -> CandleColumns:
    """The sound candles of a file in the form that ``download_candles`` writes.

    ``symbol``: what the instrument is called; without it the name of the file tells. Raises ``NoRecordedRun`` with what
    is wrong and what to do.
    """
    named = parse_name(path.name)
    if named is None:
        raise NoRecordedRun(
            f"{path.name} must be named <exchange>_<symbol>_<timeframe>.csv.gz, such as binance_BTCUSDT_5m.csv.gz."
        )
    numbers = _numbers(path)
    times, prices = numbers[:, 0].astype(np.int64), dict(zip(PRICES, numbers[:, 1:].T.copy(), strict=True))
    if (np.diff(times) <= 0).any():
        raise NoRecordedRun(f"{path.name} must have rows in ascending order of time, each time once.")
    sound = sound_rows(times, prices, named.timeframe)
    if not sound.any():
        raise NoRecordedRun(f"{path.name} has no sound candle.")
    if not sound.all():
        times, prices = times[sound], {name: column[sound] for name, column in prices.items()}
    return CandleColumns(symbol or symbol_of(named), named.exchange, named.timeframe, times, **prices)


def symbol_of(named: RecordedFile) -> str:
    """``BTC/USDT`` for the pair ``BTCUSDT``. Raises ``NoRecordedRun`` where the quote currency can't be told."""
    found = next((quote for quote in _QUOTES if re.fullmatch(f"[A-Z0-9]+{quote}", named.pair)), None)
    if found is None:
        raise NoRecordedRun(
            f"{named.name} does not tell its quote currency; give the instrument too, such as BTC/USDT."
        )
    return f"{named.pair.removesuffix(found)}/{found}"


def rules_beside(path: Path, columns: CandleColumns) -> InstrumentRules:
    """The exchange's own rules where its ``_markets.json`` lies beside the file, else rules assumed from the data."""
    stated = stated_rules(path.parent, columns.source).get(columns.symbol)
    if stated is not None:
        return stated
    sample = [columns.candle(place) for place in range(min(_SAMPLE, len(columns)))]
    return assumed_rules(columns.symbol, prices=(one.close for one in sample), volumes=(one.volume for one in sample))


def _numbers(path: Path) -> np.ndarray:
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise NoRecordedRun(f"{path} can't be read ({error}); fetch it with download_candles.") from error
    header, _, rows = text.partition(b"\n")
    if header.strip() != HEADER:
        raise NoRecordedRun(f"{path.name} must start with the line {HEADER.decode()!r}, was {header[:60]!r}.")
    del text
    if len(rows) >= _LONG:
        from apps.market.adapters.compiled_rows import numbers_of

        found = numbers_of(rows, cells=_CELLS)
        if found is not None:
            return found
    rows = rows.replace(b"\r", b"").rstrip(b"\n") + b"\n"
    odd = rows.translate(None, _CHARACTERS)
    if odd or not _whole(rows):
        raise NoRecordedRun(f"{path.name} has rows that are no candles{f', with {odd[:20]!r}' if odd else ''}.")
    try:
        cells = np.fromstring(rows[:-1].replace(b"\n", b",").decode(), sep=",")
    except ValueError as error:
        raise NoRecordedRun(f"{path.name} has a cell that is no number ({error}).") from error
    if len(cells) % _CELLS:
        raise NoRecordedRun(f"{path.name} has an empty cell, or one that is no number, after {len(cells)} cells.")
    return cells.reshape(-1, _CELLS)


def _whole(rows: bytes) -> bool:
    """Whether each line has as many cells as a candle."""
    text = np.frombuffer(rows, np.uint8)
    ends, commas = np.flatnonzero(text == ord("\n")), np.flatnonzero(text == ord(","))
    return bool((np.searchsorted(commas, ends) == np.arange(1, len(ends) + 1) * (_CELLS - 1)).all())
