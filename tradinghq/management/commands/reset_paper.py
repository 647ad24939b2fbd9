from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tradinghq.supervision.reset_home import set_books_aside


class Command(BaseCommand):
    help = "Start the paper firm anew at the next `make run`. The house must be stopped; the old books are kept aside."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def handle(self, *args: Any, **options: Any) -> None:
        question = f"Set the books in {settings.HQ_HOME} aside and start with an empty firm? [y/N] "
        if not options["yes"] and input(question).strip().lower() not in {"y", "yes"}:
            self.stdout.write("Nothing was changed.")
            return
        kept = set_books_aside(settings.HQ_HOME)
        self.stdout.write(f"The old books are in {kept}." if kept else "There were no books yet.")
