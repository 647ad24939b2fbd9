"""A command that answers a wrong word with one sentence, not with a screen of usage before it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

WRONG_WORD = 2  # the exit status that argparse gives


class SentenceCommand(BaseCommand):
    """``--help`` lists what it takes; what it does not take is refused by name."""

    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """One whose errors are raised, from the command line too."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """As typed. Only what the parser refuses comes out of it; the work's own refusals are told in it."""
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            told = str(error).removeprefix("Error: ").removesuffix(".")
            self.stderr.write(f"CommandError: {told}. All it takes: manage.py {argv[1]} --help")
            sys.exit(WRONG_WORD)
