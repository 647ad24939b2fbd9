"""A process of a leader that is frozen while it sends one order through the real ccxt, and woken later.

``FrozenAtExchange(desk, order_id, where)`` starts it and waits until it stands still: before it claims the order
(``claim``), between the claim and the request (``send``), or after the last look at the lease with only the writing
left (``write``). It relied on its lease for ``relied`` seconds. Woken, it goes on and says what ``submit_order`` said.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from uuid import UUID

PLACES = ("claim", "send", "write")


class FrozenAtExchange:
    """Started and standing still; ``wake`` lets it go on."""

    def __init__(self, desk, order_id, where: str, *, relied: float = 3600.0) -> None:
        from tests.support.cloned_database import database_url

        given = {
            "order": str(order_id),
            "epoch": desk.term.epoch,
            "where": where,
            "relied": relied,
            "account": desk.name,
            "keys": desk.keys,
            "urls": desk.running.ccxt_urls(),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.frozen_at_exchange", json.dumps(given)],
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
                "MARKET": "recorded",
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        self._until_it_stands()

    def wake(self, seconds: float = 60) -> str:
        self.process.send_signal(signal.SIGCONT)
        return self.process.communicate(timeout=seconds)[0].splitlines()[-1]

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def _until_it_stands(self) -> None:
        import psutil

        deadline = time.monotonic() + 90
        while psutil.Process(self.process.pid).status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < deadline, "it did not come to the place where it freezes"
            assert self.process.poll() is None, "it ended before it came to the place where it freezes"
            time.sleep(0.05)


def main() -> None:
    import django

    django.setup()
    import aiohttp

    from apps.foundation.lease_memory import Belief, LeaseMemory, Term, steady
    from apps.market.queries import current_moment
    from apps.trading.adapters import ccxt_connection
    from apps.trading.adapters.ccxt_venue import CcxtVenue
    from apps.trading.operations.execution.submit_order import submit_order

    given = json.loads(sys.argv[1])
    where = given["where"]

    def freeze_at(place: str) -> None:
        if where == place:  # told to the process, another thread would take it, and this one go on until it has
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    class Freezing(CcxtVenue):
        def submit(self, *, order, moment):
            freeze_at("send")
            return super().submit(order=order, moment=moment)

    async def written(request, conn):
        """As ``_LastLook.send``, frozen between the look and the writing."""
        call = ccxt_connection._current.get()
        if call is not None:
            call.refuse_late()
        if call is not None and call.once:
            freeze_at("write")
        return await aiohttp.ClientRequest.send(request, conn)

    ccxt_connection._LastLook.send = written
    venue = Freezing(
        account=given["account"],
        exchange="binance",
        keys=given["keys"],
        urls=given["urls"],
        firm_time=lambda _: current_moment().firm,
        pace_ms=1,
    )
    venue.clock_offset()  # the markets are loaded and the clocks compared, as in a process that trades
    freeze_at("claim")
    term = Term(given["epoch"], LeaseMemory(Belief(given["epoch"], until=steady() + given["relied"])))
    print(submit_order(order_id=UUID(given["order"]), venue=venue, term=term, moment=current_moment()), flush=True)
    venue.close()


if __name__ == "__main__":
    main()
