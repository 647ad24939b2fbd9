"""Which image the agents' containers are made from: one that this checkout built, or one named by id or digest."""

import re
from pathlib import Path

PINNED = re.compile(r"(?:[a-z0-9][a-z0-9._/:-]*@)?sha256:[0-9a-f]{64}")


def built_image(root: Path, name: str) -> str:
    """The id of the image that ``make images`` built last; empty before."""
    file = root / "build" / "images" / name / "id"
    return file.read_text().strip() if file.is_file() else ""


def is_pinned(image: str) -> bool:
    """Whether ``image`` can mean one content only: a tag may be moved to another."""
    return PINNED.fullmatch(image) is not None
