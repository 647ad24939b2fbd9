"""``manage.py check_lookahead``: does a strategy see the future, or keep something between votes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.agents.domain.backtest.check_strategy import check_lookahead
from tradinghq import backtest_arguments as arguments


class Command(BaseCommand):
    help = "Ask a strategy again without the future, with another future, and built anew: each vote must stay the same."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_checked(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        passed = "No vote depends on what came later or was asked before."
        arguments.report_checks(self, check_lookahead, options, passed=passed)
