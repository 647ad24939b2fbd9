"""A house of its own in a process of its own, as far as the lease is concerned: driven by lines, answers by lines.

``take TTL LIFE`` (seconds), ``renew EPOCH TTL``, ``release``; the answer is a line of JSON. The lines are read only
when the one before was answered, so that a frozen process takes up where it was stopped.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta

SCOPES = ("paper", "binance-1", "kraken-1")


class Racer:
    """The house ``name``; the process ends with ``close``."""

    def __init__(self, name: str, database_url: str) -> None:
        environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tradinghq.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.lease_racer", name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "ready"

    def say(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, line: str):
        self.say(line)
        return self.answer()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main() -> None:
    import django

    django.setup()
    from apps.foundation import lease

    house = lease.House(key=f"house of {sys.argv[1]}", name=sys.argv[1])

    def take(ttl: str, life: str):
        lives = dict.fromkeys(SCOPES, timedelta(seconds=float(life)))
        taken = lease.take(house=house, lives=lives, first=True, ttl=timedelta(seconds=float(ttl)))
        return None if taken is None else {"epoch": taken.epoch, "fresh": taken.fresh, "waits": taken.waits}

    def renew(epoch: str, ttl: str):
        return sorted(lease.renew(house=house, epoch=int(epoch), ttl=timedelta(seconds=float(ttl))))

    does = {"take": take, "renew": renew, "release": lambda: lease.release(house=house)}
    lease.observe()  # the connection is there before the race begins
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        word, *values = line.split()
        print(json.dumps(does[word](*values)), flush=True)


if __name__ == "__main__":
    main()
