from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.foundation.errors import HQError
from tradinghq.supervision.first_steps import FIRST_LOGIN, prepare_database, prepare_house
from tradinghq.unsafe_settings import refuse_to_start

METRICS = (
    "beat",
    "core",
    "fleet",
    "execution",
    "guard",
    "research",
    "inference",
)  # a folder each, where each has a container of its own


class Command(BaseCommand):
    help = (
        "Do what up does before it starts processes: migrate, grant, make the administrator, the portfolio and the"
        " agents. For those who start the processes themselves, a container each. May run again."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_to_start()
        for name in METRICS:
            (settings.HQ_HOME / "metrics" / name).mkdir(parents=True, exist_ok=True)
        prepare_database(owner_url=settings.DATABASE_OWNER_URL)
        try:
            password = prepare_house(settings.HQ_HOME)
        except HQError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        if password is not None:
            self.stdout.write(f"First login: admin, {password} (also in {settings.HQ_HOME / FIRST_LOGIN})")
