"""The README's table of commands has every command that a person can type."""

import re

from tests.architecture.source_tree import ROOT

COMMANDS = ROOT / "tradinghq" / "management" / "commands"


def test_every_command_has_its_row():
    table = (ROOT / "README.md").read_text().split("## Commands\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {word.removeprefix("manage.py ").split()[0] for row in rows for word in re.findall(r"`(.+?)`", row)}
    there = {path.stem for path in COMMANDS.glob("*.py")} - {"__init__"}
    assert there
    assert there - named == set()
    assert {word for row in rows for word in re.findall(r"`manage\.py (\w+)", row)} - there == set()
