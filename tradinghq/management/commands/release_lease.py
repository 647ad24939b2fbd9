"""Let go of the lease, so that a backup need not wait for its end. ``up`` does this when it stops."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.foundation import lease


class Command(BaseCommand):
    help = "Ends this house's lease now. Only while none of its processes runs; `up` does it when it stops."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ended = lease.release(house=lease.this_house())
        except DatabaseError as error:
            raise CommandError(f"The lease was not released, it ends by itself: {error}") from error
        self.stdout.write(f"The lease of {ended} accounts was released." if ended else "This house held no lease.")
