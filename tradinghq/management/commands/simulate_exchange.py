"""``manage.py simulate_exchange``: an exchange on this machine that fails on request. See docs/guides."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run an exchange on this machine: Binance's and Kraken's interfaces, with faults on request."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand everything typed, also ``--help``, to the simulator's own process, which needs neither settings nor
        database.
        """
        self._become(argv[2:])

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *_: Any, **options: Any) -> None:
        self._become(options["arguments"])

    def _become(self, arguments: list[str]) -> None:
        os.execv(sys.executable, [sys.executable, "-m", "workers.exchange_simulator", *arguments])  # noqa: S606
