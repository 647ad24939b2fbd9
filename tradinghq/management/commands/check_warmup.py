"""``manage.py check_warmup``: does a strategy need more history than it asks for."""

from argparse import ArgumentParser
from typing import Any

from apps.agents.domain.backtest.check_strategy import check_warmup
from tradinghq import backtest_arguments as arguments
from tradinghq.sentence_command import SentenceCommand


class Command(SentenceCommand):
    help = "Ask a strategy again with more history than it says it needs: each vote must stay the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_checked(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        passed = "No vote changes with more history than the strategy asks for."
        arguments.report_checks(self, check_warmup, options, passed=passed)
