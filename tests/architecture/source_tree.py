"""The house's own Python files, parsed once."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("apps", "tradinghq", "workers")


@cache
def python_files() -> tuple[Path, ...]:
    """Every Python file of the house, without migrations."""
    found = (path for name in SOURCES for path in (ROOT / name).rglob("*.py"))
    return tuple(sorted(path for path in found if "migrations" not in path.parts))


@cache
def parsed(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def shown(path: Path, line: int | None = None) -> str:
    """The place as a person reads it."""
    name = str(path.relative_to(ROOT))
    return name if line is None else f"{name}:{line}"
