"""``manage.py new_strategy NAME``: the package of a strategy of your own."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tradinghq.new_strategy import NewStrategyRefusedError, write_strategy


class Command(BaseCommand):
    help = "Write the package of a new strategy: code, test, entry point, Dockerfile. Nothing is overwritten."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="such as three_down")
        parser.add_argument(
            "--into", type=Path, default=Path(".."), help="the folder that gets it; default: beside this"
        )

    def handle(self, *_: Any, name: str, into: Path, **__: Any) -> None:
        try:
            folder = write_strategy(name, into)
        except NewStrategyRefusedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder} holds the strategy {name}. Next:")
        self.stdout.write(f"  .venv/bin/python -m pip install -e '{folder}[test]'")
        self.stdout.write(f"  .venv/bin/python -m pytest {folder}/tests")
        self.stdout.write("The way from there to a vote that counts: docs/guides/add-a-strategy.md.")
