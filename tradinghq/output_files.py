"""Files that a command writes when its work is done, tried before the work begins."""

from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError


def refuse_unwritable(files: Mapping[str, Path | None], *, makes_folders: bool = False) -> None:
    """Raise ``CommandError`` with the first option whose file can't be written, and what to do. ``files`` by option.

    What is there is left as it is. ``makes_folders``: the command makes the file's folder where it is missing.
    """
    for option, path in files.items():
        if path is None:
            continue
        try:
            if makes_folders:
                path.parent.mkdir(parents=True, exist_ok=True)
            _try(path)
        except OSError as error:
            raise CommandError(f"{option} was {path}{_obstacle(path, error)}") from error


def _try(path: Path) -> None:
    is_new = not path.exists()
    with path.open("ab"):
        pass
    if is_new:
        path.unlink()


def _obstacle(path: Path, error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return f", which is a folder. Name a file in it, such as {path / 'run.csv'}."
    if isinstance(error, FileNotFoundError) and not path.parent.exists():
        return f", but there is no folder {path.parent}. Make it first, or name a file in a folder that is there."
    return f", which can't be written ({error.strerror}). Name a file in a folder where you may write."
