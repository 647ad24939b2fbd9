from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.foundation.errors import HQError
from apps.management import operations
from apps.management.queries import peer_views
from apps.market.queries import current_moment

PERSON = "bridge_peer"


class Command(BaseCommand):
    help = "The peers of the bridge: list them, add one by its public key, give it a further key, end one."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list", help="Every peer, its keys and when it was heard.")
        add = steps.add_parser("add", help="Know a peer by its public key.")
        further = steps.add_parser("add-key", help="Know it by a further key; the one it had ends after the overlap.")
        end = steps.add_parser("end-key", help="Believe a key no more.")
        rights = steps.add_parser("rights", help="What the peer may do here.")
        for one in (add, further, end, rights):
            one.add_argument("name", help="Its HQ_INSTANCE.")
            one.add_argument("--reason", required=True, help="Kept in the audit.")
        for one in (add, further):
            one.add_argument("--key", type=Path, required=True, help="The file with its public key.")
        for one in (add, further, end):
            one.add_argument("--fingerprint", required=True, help="As its people told it by another way.")
        for one in (add, rights):
            one.add_argument("--may-halt", action="store_true", help="Its emergency stop halts this firm too.")
            one.add_argument("--may-propose", action="store_true", help="It may propose agents to this firm.")
        further.add_argument("--overlap-hours", type=int, default=168, help="A week where it is left out.")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        steps: dict[str, Callable[..., Any]] = {
            "add": operations.add_peer,
            "add-key": operations.add_peer_key,
            "end-key": operations.end_peer_key,
            "rights": operations.change_peer_rights,
        }
        if step == "list":
            for peer in peer_views(current_moment().wall):
                self._show(peer)
            return
        names = ("name", "reason", "fingerprint", "may_halt", "may_propose", "overlap_hours")
        given = {name: options[name] for name in names if name in options}
        if "key" in options:
            given["public_key"] = _read(options["key"])
        try:
            self._show(steps[step](**given, actor=PERSON, moment=current_moment()))
        except HQError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _show(self, peer: dict[str, Any]) -> None:
        heard = f"heard {peer['heard_at']}" if peer["heard_at"] else "never heard"
        named = "" if peer["named"] else ", not named in HQ_PEERS"
        self.stdout.write(f"{peer['name']}: {heard}{named}")
        for key in peer["keys"]:
            holds = f"holds until {key['ends_at']}" if key["ends_at"] else "holds"
            self.stdout.write(f"  {key['fingerprint']} {holds if key['holds'] else 'ended ' + key['ends_at']}")


def _read(path: Path) -> str:
    if not path.is_file():
        raise CommandError(f"--key names {path}, which is no file.")
    return path.read_text()
