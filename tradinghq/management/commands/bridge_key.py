from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.foundation.errors import HQError
from apps.foundation.firm_key import PublicKey
from apps.foundation.signing_key import bridge_key


class Command(BaseCommand):
    help = (
        "Print the public key by which peers know this instance; it is made on first need. To change it: --prepare-next"
        " prints the next one, which every peer adds; then --switch signs with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--prepare-next", action="store_true", help="Make the next pair and print its public key.")
        step.add_argument("--switch", action="store_true", help="Sign with the next pair from now on.")

    def handle(self, *args: Any, **options: Any) -> None:
        key = bridge_key()
        try:
            if options["prepare_next"]:
                self._show(key.following() or key.prepare_next())
            elif options["switch"]:
                fingerprint = key.switch().fingerprint
                self.stderr.write(f"{settings.HQ_INSTANCE} signs with {fingerprint} from now on.")
            else:
                self._show(key.public())
        except HQError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _show(self, key: PublicKey) -> None:
        """The key to the output, which may be a file; what a person compares beside it."""
        self.stdout.write(key.armored.strip())
        self.stderr.write(
            f"Instance {settings.HQ_INSTANCE}, fingerprint {key.fingerprint}. Give the key to each peer, and the"
            " fingerprint by another way: on the phone, in person."
        )
