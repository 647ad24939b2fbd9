"""The rooms' walls, as pyproject.toml states them."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import ROOT


def test_the_import_contracts_are_kept():
    """In a process of its own: the tool's set-up of logging disables every logger that is there already."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
