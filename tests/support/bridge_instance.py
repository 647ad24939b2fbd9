"""Another instance in a process of its own, as far as the bridge is concerned: own database, own home, own key.

Driven by lines of JSON ``[word, arguments]``, answers by lines of JSON; see ``main`` for the words.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

PASSPHRASE = "a passphrase of the test"


class BridgeInstance:
    """The instance ``name`` on its own database; the process ends with ``close``."""

    def __init__(self, name: str, *, role: str, home: Path, database_url: str, bridge_url: str, peers: str) -> None:
        environment = {
            **os.environ,
            "HQ_INSTANCE": name,
            "HQ_ROLE": role,
            "HQ_HOME": str(home),
            "DATABASE_URL": database_url,
            "HQ_BRIDGE_URL": bridge_url,
            "HQ_PEERS": peers,
            "HQ_PGP_PASSPHRASE": PASSPHRASE,
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.bridge_instance"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, word: str, *arguments):
        self.process.stdin.write(f"{json.dumps([word, arguments])}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{word}: the other instance ended"
        return json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    from apps.foundation import lease
    from apps.foundation.clock import Moment, wall_now
    from apps.foundation.errors import NotReady
    from apps.foundation.signing_key import bridge_key
    from apps.management import operations, queries
    from apps.management.wiring import bridge_line
    from apps.trading.queries import trading_state
    from tests.support.quick_keys import use_quick_keys

    use_quick_keys()

    def moment(later: float = 0) -> Moment:
        wall = wall_now() + timedelta(seconds=later)
        return Moment(wall=wall, firm=wall)

    def key():
        made = bridge_key().public()
        return {"fingerprint": made.fingerprint, "public_key": made.armored}

    def turn(later: float = 0):
        """``away`` while the line is cut, else whether there may be more."""
        claim = queries.own_claim(lease.this_house(), settings.HQ_ROLE)
        sender = operations.Sender(claim, bridge_key(), bridge_line())
        try:
            return operations.exchange_post(sender=sender, peers=settings.HQ_PEERS, moment=moment(later))
        except* NotReady:
            pass
        return "away"

    does = {
        "key": key,
        "add": lambda given: operations.add_peer(**given, actor="test", reason="a test", moment=moment()),
        "turn": turn,
        "stop": lambda reason: operations.emergency_stop(actor="test", reason=reason, flatten=False, moment=moment()),
        "resume": lambda reason: operations.resume(actor="test", reason=reason, moment=moment()),
        "state": lambda: trading_state().state,
        "peers": lambda: queries.peer_views(moment().wall),
    }
    for line in sys.stdin:
        word, arguments = json.loads(line)
        print(json.dumps(does[word](*arguments), default=str), flush=True)


if __name__ == "__main__":
    main()
