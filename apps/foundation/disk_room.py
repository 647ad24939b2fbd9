"""How much room there is in the home: where PostgreSQL lies there too, a full disk takes nothing in, so nothing can be
decided, ordered or written down.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024
SHORT = 512 * MEBIBYTE  # somebody should make room
FULL = 32 * MEBIBYTE  # less than two files of PostgreSQL's log: it may stop at any moment


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Free bytes for this user on the disk of ``folder``; ``records``: whether the database lies on it."""

    folder: Path
    free: int
    records: bool = True

    @property
    def is_short(self) -> bool:
        return self.free < SHORT

    @property
    def is_full(self) -> bool:
        return self.free < FULL

    @property
    def sentence(self) -> str:
        """What is left and what follows."""
        left = f"{self.free // MEBIBYTE} MiB are free on the disk of {self.folder}."
        if not self.records:
            return f"{left} Make room: on a full disk logs are lost, and no program starts as it should."
        if self.is_full:
            return f"{left} Nothing can be recorded, so nothing is traded: make room, and the house goes on by itself."
        return f"{left} Make room before it is full: then nothing can be recorded, and nothing is traded."


def disk_room(folder: Path, *, records: bool = True) -> DiskRoom:
    """Look now. Raises ``OSError`` where there is no such folder."""
    return DiskRoom(folder, shutil.disk_usage(folder).free, records)
