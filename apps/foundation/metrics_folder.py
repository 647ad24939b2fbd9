"""The folder that all processes of a house write their counters into, as memory-mapped files.

It lies in memory where there is a memory disk: a mapped page that a full disk has no room for ends its process.
"""

import hashlib
import os
import shutil
from pathlib import Path

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a folder for this user alone in it


def prepare_folder(home: Path) -> Path:
    """Make the folder of the house at ``home`` and empty it; call before any process starts and hand the path on in the
    environment.
    """
    folder = _in_memory(home)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        belongs_to = folder.lstat().st_uid
    except OSError:
        belongs_to = -1
    if belongs_to != os.getuid():  # there is no such disk, or somebody else took the name
        folder = home / "metrics"
        folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob("*.db"):
        left_over.unlink(missing_ok=True)
    return folder


def remove_folder(home: Path) -> None:
    """Give the memory back, once nothing of the house runs."""
    shutil.rmtree(_in_memory(home), ignore_errors=True)


def _in_memory(home: Path) -> Path:
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return MEMORY_DISK / f"tradinghq-{os.getuid()}-{digest}"
