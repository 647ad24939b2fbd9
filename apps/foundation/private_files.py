"""Files that only their owner may read, replaced in one step."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` with mode 0600; a reader sees the old file or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)
