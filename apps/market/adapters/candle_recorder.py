"""Writes candle files that a recorded market reads. Rows collect in a plain ``.part`` file, so a broken off download
goes on.
"""

import gzip
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from apps.foundation.money import plain
from apps.market.domain import recorded_set, timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules

HEADER = "timestamp_ms,open,high,low,close,volume\n"


class CandleRecorder:
    """One file of one exchange, instrument and timeframe."""

    def __init__(self, folder: Path, exchange: str, symbol: str, timeframe: str) -> None:
        self._timeframe = timeframe
        self.path = folder / recorded_set.file_name(exchange, symbol, timeframe)
        self._part = self.path.with_suffix(".part")

    def resume(self) -> tuple[datetime, datetime] | None:
        """Opening times of the first and last row that are there already; a row cut off in the middle is dropped."""
        if not self._part.exists():
            kept = gzip.decompress(self.path.read_bytes()) if self.path.exists() else HEADER.encode()
            self._part.write_bytes(kept)
        text = self._part.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            self._part.write_bytes(whole)
        rows = whole.splitlines()[1:]
        opens = [timeframes.from_milliseconds(int(row.partition(b",")[0])) for row in (rows[:1] + rows[-1:])]
        return (opens[0], opens[-1]) if opens else None

    def append(self, candles: Sequence[Candle]) -> None:
        """Add rows and see them on the disk."""
        lines = [
            f"{timeframes.to_milliseconds(one.open_at)},{plain(one.open)},{plain(one.high)},{plain(one.low)},"
            f"{plain(one.close)},{plain(one.volume)}\n"
            for one in candles
        ]
        with self._part.open("a") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> Path:
        """Pack the rows and put the file in place in one step."""
        packed = self.path.with_suffix(".packing")
        packed.write_bytes(gzip.compress(self._part.read_bytes(), mtime=0))
        packed.replace(self.path)
        self._part.unlink()
        return self.path


def write_rules(folder: Path, exchange: str, rules: Sequence[InstrumentRules]) -> Path:
    """Keep the exchange's rules beside its candles; those of other instruments stay."""
    path = folder / f"{exchange}_markets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    for rule in rules:
        known[rule.symbol] = {
            "tick_size": plain(rule.tick_size),
            "step_size": plain(rule.step_size),
            "min_quantity": plain(rule.min_quantity),
            "min_notional": plain(rule.min_notional),
        }
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return path
