import json
import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.foundation.errors import HQError
from apps.foundation.firm_key import firm_key
from apps.market.queries import current_moment
from apps.trading.domain.venues.venue_keys import VenueKeys, read_keys
from apps.trading.domain.venues.venues import REAL_VENUES
from apps.trading.operations import replace_keys

PERSON = "seal_key"


class Command(BaseCommand):
    help = (
        "Seal an exchange's keys to the firm's PGP key. They are asked for, or read from a JSON file with venue,"
        " api_key, secret (and password); the armored message is printed, or stored on an account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--venue", choices=REAL_VENUES, help="Where the keys are for; asked when left out.")
        parser.add_argument("--file", type=Path, help="A JSON file with the keys; delete it afterwards. - reads stdin.")
        parser.add_argument("--account", help="Store the message on this account instead of printing it.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys = _from_file(options["file"], options["venue"]) if options["file"] else _asked(options["venue"])
            sealed = firm_key().seal(keys.as_text())
            if options["account"] is None:
                self.stdout.write(sealed)
                return
            replace_keys(name=options["account"], sealed_keys=sealed, actor=PERSON, moment=current_moment())
        except HQError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        self.stdout.write(f"The sealed keys are stored on {options['account']}; the executor checks them next.")


def _from_file(path: Path, venue: str | None) -> VenueKeys:
    if str(path) == "-":
        text = sys.stdin.read()
    elif path.is_file():
        text = path.read_text()
    else:
        raise CommandError(f"--file names {path}, which is no file.")
    return read_keys(text, venue=venue or _venue_in(text))


def _venue_in(text: str) -> str:
    try:
        venue = str(json.loads(text)["venue"])
    except (ValueError, KeyError, TypeError):
        venue = ""
    if venue not in REAL_VENUES:
        raise CommandError(f"The file must name the venue: one of {', '.join(REAL_VENUES)}; or give --venue.")
    return venue


def _asked(venue: str | None) -> VenueKeys:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for the keys on; give --file, or --file - for stdin.")
    while venue not in REAL_VENUES:
        venue = input(f"Venue ({', '.join(REAL_VENUES)}): ").strip()
    keys = {"api_key": getpass("API key: "), "secret": getpass("Secret: "), "password": getpass("Password, if any: ")}
    given = {name: value.strip() for name, value in keys.items() if value.strip()}
    return read_keys(json.dumps({**given, "venue": venue}), venue=venue)
