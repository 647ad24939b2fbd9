"""The rooms' walls, as pyproject.toml states them."""

from importlinter.api import use_cases  # noqa: F401 - the tool must be there, or the test below says nothing
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.source_tree import ROOT


def test_the_import_contracts_are_kept(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", cache_dir=None) == EXIT_STATUS_SUCCESS
