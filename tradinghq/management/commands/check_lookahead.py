"""``manage.py check_lookahead``: does a strategy see the future, or keep something between votes."""

from argparse import ArgumentParser
from typing import Any

from apps.agents.domain.backtest.check_strategy import check_lookahead
from tradinghq import backtest_arguments as arguments
from tradinghq.sentence_command import SentenceCommand


class Command(SentenceCommand):
    help = "Ask a strategy again without the future, with another future, and built anew: each vote must stay the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_checked(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        passed = "No vote depends on what came later or was asked before."
        arguments.report_checks(self, check_lookahead, options, passed=passed)
