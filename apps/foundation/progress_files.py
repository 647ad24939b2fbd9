"""Files that a container's health check reads: each part of a process that makes progress touches its own."""

import os
from pathlib import Path

VARIABLE = "HQ_BEATS"


def show_progress(part: str) -> None:
    """Touch the file of ``part`` in the folder that ``HQ_BEATS`` names; nothing happens outside a container."""
    folder = os.environ.get(VARIABLE)
    if folder:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / part).touch()
