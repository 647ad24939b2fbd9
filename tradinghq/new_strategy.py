"""Writes the package of a new strategy from the template: code, test, entry point, Dockerfile."""

import keyword
import shlex
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

from apps.agents.domain.strategies.registry import strategy_names

TEMPLATE: Final = Path(__file__).parent / "strategy_template"
LONGEST_NAME: Final = 60
TAKEN: Final = frozenset({"apps", "tradinghq", "workers", "tests", "test", "strategy"})


class NewStrategyRefusedError(ValueError):
    """The package can't be written; the message says what to do."""


def write_strategy(name: str, into: Path) -> Path:
    """The package's folder, ``into`` and the name with hyphens. Raises ``NewStrategyRefusedError``; nothing is
    overwritten.
    """
    if not name.isidentifier() or name != name.lower() or not name.isascii() or len(name) > LONGEST_NAME:
        told = f"lower case letters, digits and underscores, at most {LONGEST_NAME}, no digit first"
        raise NewStrategyRefusedError(f"The name was {name!r}; it must be {told}, such as three_down.")
    if keyword.iskeyword(name):
        raise NewStrategyRefusedError(
            f"{name} is a word of Python itself; choose another name, such as {name}_strategy."
        )
    if name in TAKEN or name in strategy_names():
        raise NewStrategyRefusedError(f"The name {name} is taken; choose another one.")
    if not into.is_dir():
        raise NewStrategyRefusedError(_no_folder(into))
    folder = into.resolve() / name.replace("_", "-")
    if folder.exists():
        raise NewStrategyRefusedError(f"{folder} is there already; choose another name, or remove it.")
    words = {
        "name": name,
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "project": f"tradinghq-{name.replace('_', '-')}",
        "dist": f"tradinghq_{name}",
        "folder": str(folder),
    }
    for target, source in _files(name).items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(source, words))
    return folder


def _no_folder(into: Path) -> str:
    path = into.absolute()
    if path.exists():
        return f"--into was {into}, which is a file, not a folder. Name the folder that shall get the package."
    return (
        f"--into was {into}; the folder {path} does not exist. Make it and try again: mkdir -p {shlex.quote(str(path))}"
    )


def _files(name: str) -> Mapping[str, str]:
    return {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        "Dockerfile": "Dockerfile.txt",
        f"{name}/__init__.py": "",
        f"{name}/strategy.py": "strategy.py.txt",
        "tests/test_strategy.py": "test_strategy.py.txt",
    }


def _filled(source: str, words: Mapping[str, str]) -> str:
    return Template((TEMPLATE / source).read_text()).substitute(words) if source else ""
