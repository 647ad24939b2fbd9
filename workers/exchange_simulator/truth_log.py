"""The truth: every request, order, fill, balance and fault, a JSON line each (``fact`` names which), as it came."""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

REQUESTS_IN_MEMORY = 500_000
_MANY = frozenset({"request", "clock"})


class TruthLog:
    """Lines are numbered from 1. With a file, each line reaches the operating system before the answer leaves; so a
    killed simulator can still be asked what it did, and started again from it.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.seq = 0
        self._facts: deque[tuple[int, bytes]] = deque()
        self._requests: deque[tuple[int, bytes]] = deque(maxlen=REQUESTS_IN_MEMORY)
        self._file: BinaryIO | None = None

    def replay(self) -> Iterable[dict[str, Any]]:
        """The lines of an existing file, for a restart; a torn last line is cut off."""
        if self.path is None or not self.path.exists():
            return
        whole = 0
        with self.path.open("rb") as lines:
            for raw in lines:
                if not raw.endswith(b"\n"):
                    break
                whole += len(raw)
                line = orjson.loads(raw)
                self.seq = line["seq"]
                self._keep(line["fact"], raw)
                yield line
        with self.path.open("rb+") as file:
            file.truncate(whole)

    def open(self) -> None:
        if self.path is not None:
            self._file = self.path.open("ab", buffering=0)

    def add(self, kind: str, at_ms: int, fields: dict[str, Any]) -> int:
        """Write one line; its number."""
        self.seq += 1
        # Adding the line's end also makes an exact copy: what orjson returns holds ten times its length.
        raw = orjson.dumps({"seq": self.seq, "fact": kind, "at": at_ms, **fields}) + b"\n"
        self._keep(kind, raw)
        if self._file is not None:
            self._file.write(raw)
        return self.seq

    def since(self, seq: int, kinds: frozenset[str], limit: int) -> bytes:
        """A JSON array of the lines after ``seq``, oldest first."""
        wanted = [line for line in self._facts if line[0] > seq] if kinds != {"request"} else []
        if not kinds or "request" in kinds:
            wanted += [line for line in self._requests if line[0] > seq]
            wanted.sort()
        if kinds:
            wanted = [line for line in wanted if orjson.loads(line[1])["fact"] in kinds]
        return b"[" + b",".join(raw for _, raw in wanted[:limit]) + b"]"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, kind: str, raw: bytes) -> None:
        (self._requests if kind in _MANY else self._facts).append((self.seq, raw))
