"""The only reader of the process environment: typed, one place, each value also as ``NAME_FILE``.

Every reader refuses what it doesn't understand with a sentence that names the variable and the remedy.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class EnvironmentRefused(SystemExit):
    """A setting can't be used; the message names the variable and what to do."""


def text(name: str, default: str = "") -> str:
    """The value of ``name``, or the content of the file that ``NAME_FILE`` names, or the default."""
    file_name = os.environ.get(f"{name}_FILE")
    if file_name:
        path = Path(file_name)
        if not path.is_file():
            raise EnvironmentRefused(
                f"{name}_FILE names {file_name}, which is no file. Create it or unset {name}_FILE."
            )
        return path.read_text().strip()
    return os.environ.get(name, default).strip()


def home() -> Path:
    """``HQ_HOME``, the folder of this house; ``var`` beside the code where it is not set."""
    return Path(text("HQ_HOME") or Path(__file__).resolve().parent.parent / "var").resolve()


def flag(name: str, *, default: bool) -> bool:
    """A switch: 1, true, yes, on or 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise EnvironmentRefused(f"{name} was {value!r}; it must be 1 or 0.")


def integer(name: str, default: int, *, lowest: int, highest: int) -> int:
    """A whole number within bounds."""
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise EnvironmentRefused(f"{name} was {raw!r}; it must be a whole number.") from None
    if not lowest <= value <= highest:
        raise EnvironmentRefused(f"{name} was {value}; it must lie between {lowest} and {highest}.")
    return value


def number(name: str, default: float, *, lowest: float, highest: float) -> float:
    """A number within bounds; NaN and infinity are refused."""
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise EnvironmentRefused(f"{name} was {raw!r}; it must be a number.") from None
    if not lowest <= value <= highest:
        raise EnvironmentRefused(f"{name} was {raw}; it must lie between {lowest} and {highest}.")
    return value


def size(name: str) -> int:
    """Bytes, written like 512M or 6G; 0 when unset."""
    raw = text(name)
    found = re.fullmatch(r"(\d{1,6})([MG])", raw)
    if found is None and raw:
        raise EnvironmentRefused(f"{name} was {raw!r}; it must be written like 512M or 6G.")
    return int(found[1]) * {"M": 2**20, "G": 2**30}[found[2]] if found else 0


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One word of a list."""
    value = text(name, default)
    if value not in allowed:
        raise EnvironmentRefused(f"{name} was {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def words(name: str, default: str) -> list[str]:
    """A list separated by commas; blanks are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def read_as(name: str, given: Sequence[str], read: Callable[[str], str]) -> list[str]:
    """What ``read`` makes of each word of the list ``name``; what it refuses with ``ValueError`` is refused here."""
    try:
        return [read(word) for word in given]
    except ValueError as error:
        raise EnvironmentRefused(f"{name}: {error}") from None


def mapping(name: str) -> dict[str, Any]:
    """A JSON object; empty when unset."""
    raw = text(name)
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise EnvironmentRefused(f"{name} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise EnvironmentRefused(f"{name} must be a JSON object, was {type(value).__name__}.")
    return value
