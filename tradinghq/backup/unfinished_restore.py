"""The mark of a restore under way: until it is gone, nobody may trade on what lies in the home."""

from pathlib import Path

from apps.foundation.private_files import write_private
from tradinghq.environment import EnvironmentRefused

FILE = "restore-unfinished"


def begin_restore(home: Path, source: Path) -> None:
    """Mark the home before its database is touched."""
    write_private(home / FILE, f"{source}\n")


def end_restore(home: Path) -> None:
    """Take the mark away: the gap is declared and trading is halted."""
    (home / FILE).unlink()


def refuse_unfinished_restore(home: Path) -> None:
    """Raise ``EnvironmentRefused`` while a restore was begun and not finished."""
    mark = home / FILE
    if mark.is_file():
        raise EnvironmentRefused(
            f"A restore from {mark.read_text().strip()} was begun here and not finished, so the books may be half of"
            " what they were. Run manage.py restore again, with --replace; what is there now is set aside."
        )
