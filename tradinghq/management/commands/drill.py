"""``manage.py drill``: break a firm of its own on purpose and say what became of it. See docs/guides/drills.md."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Start a practice firm in a folder of its own, break it, and report whether anything was lost."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand everything typed, also ``--help``, to the drills' own process."""
        self._become(argv[2:])

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *_: Any, **options: Any) -> None:
        self._become(options["arguments"])

    def _become(self, arguments: list[str]) -> None:
        os.execv(sys.executable, [sys.executable, "-m", "workers.drills", *arguments])  # noqa: S606
