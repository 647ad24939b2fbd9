import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tradinghq.supervision.start_again import keep_starting
from tradinghq.supervision.start_house import start_house


class Command(BaseCommand):
    help = "Start everything in the foreground: servers, web, workers, stop guard, agents. Ctrl-C stops all."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        keep_starting(lambda: start_house(manage=manage, say=self.stdout.write), manage=manage, say=self.stdout.write)
