"""Stop and remove what this house has on its Docker engine or swarm."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.foundation.errors import HQError
from apps.management.wiring import container_runtime, house_engine


class Command(BaseCommand):
    help = (
        "Stops and removes the agents' containers of this house and their private network. Ctrl-C of `up` does it too."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stopped = container_runtime().stop_all()
            house_engine().close_network()
        except HQError as error:
            raise CommandError(error.message, returncode=1) from error
        self.stdout.write(f"Containers stopped and removed: {stopped}.")
