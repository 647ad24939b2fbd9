"""Many orders at random, proposed in a process of the drilled firm's own: buys, sales, resting limits, cancels.

``python -m workers.drills.order_source --orders 10000 --seed 5`` prints a JSON line of counts; ``--for-seconds 180``
goes on for that long instead, whatever happens to the firm meanwhile.
"""

import json
import math
import os
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from decimal import Decimal
from functools import cache
from random import Random
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import InterfaceError, OperationalError, connection  # noqa: E402

from apps.foundation.errors import HQError  # noqa: E402
from apps.foundation.firm_key import practice_key  # noqa: E402
from apps.market.queries import current_moment, instrument_rules, mark  # noqa: E402
from apps.trading.domain.orders.order_intent import OrderIntent  # noqa: E402
from apps.trading.domain.venues.venue_keys import VenueKeys  # noqa: E402
from apps.trading.domain.venues.venues import SIMULATED_DIALECT  # noqa: E402
from apps.trading.operations import cancel_open_orders, cancel_order, open_simulated_account, propose_order  # noqa: E402
from apps.trading.queries import position_views  # noqa: E402
from workers.drills.desk_accounts import CAPITAL  # noqa: E402

AWAY_SECONDS = 0.5
DENIED_SECONDS = 0.2  # while trading is restricted, there is no point in asking faster
WORKING_MOST = 60  # orders on their way at once; the source waits for the executor beyond
ON_THE_WAY = "SELECT count(*) FROM trading_order WHERE state IN ('APPROVED', 'SUBMITTING')"


def open_accounts() -> list[str]:
    """The accounts that the simulator's file names besides the house's own, opened with sealed keys."""
    known = json.loads((settings.HQ_HOME / "simulated" / "accounts.json").read_text())[1:]
    for one in known:
        text = VenueKeys(SIMULATED_DIALECT, one["key"], one["secret"]).as_text()
        open_simulated_account(
            name=one["name"],
            currency="USDT",
            capital=CAPITAL,
            sealed_keys=practice_key().seal(text),
            moment=current_moment(),
        )
    return [str(one["name"]) for one in known]


rules_of = cache(instrument_rules)  # the simulator does not change them under its orders


class Source:
    """One thread's orders: ``count`` of them, or all that come until ``until`` (monotonic seconds)."""

    def __init__(self, accounts: list[str], count: int, seed: str, until: float = math.inf, pause: float = 0.0) -> None:
        self.accounts, self.count, self.until, self.pause = accounts, count, until, pause
        self.draw = Random(seed)  # noqa: S311 - drills, no secret
        self.resting: list[str] = []
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        """Propose until ``count`` orders have passed the gate; a database that is away is waited for."""
        done = 0
        while done < self.count and time.monotonic() < self.until:
            time.sleep(self.pause)
            try:
                done += self._step(done)
            except (OperationalError, InterfaceError):
                self.seen["database away"] += 1
                connection.close()
                time.sleep(AWAY_SECONDS)
        connection.close()

    def _step(self, done: int) -> int:
        """One order, perhaps a cancellation before it; how many orders passed."""
        if done % 10 == 0:
            self._wait_for_the_executor()
        if self.resting and self.draw.random() < 0.2:  # noqa: PLR2004 - every fifth step cancels
            self._cancel()
        view = self._propose()
        if view is None:
            return 0
        self.seen[view["state"]] += 1
        if view["state"] == "DENIED":
            self.seen[f"denied: {view['reject_code']}"] += 1
            if self.until < math.inf:
                time.sleep(DENIED_SECONDS)
            return 0
        if view["type"] == "limit":
            self.resting.append(view["id"])
        return 1

    def _propose(self) -> dict[str, str] | None:
        account, symbol = self.draw.choice(self.accounts), self.draw.choice(settings.INSTRUMENTS)
        moment, dice = current_moment(), self.draw.random()
        fields: dict[str, object] = {"side": "buy", "notional": Decimal(self.draw.randint(11, 40))}
        if dice < 0.3:  # noqa: PLR2004 - three of ten
            price, rules = mark(symbol, moment).price, rules_of(symbol)
            if price is None:
                return None
            wanted = price * Decimal(str(self.draw.choice(("0.999", "0.99", "0.95"))))
            wanted -= wanted % rules.tick_size
            fields |= {"type": "limit", "limit_price": wanted}
        elif dice < 0.5:  # noqa: PLR2004 - two of ten
            held = {row["instrument"]: row for row in position_views(moment, account)}
            if symbol not in held:
                return None
            step = rules_of(symbol).step_size
            some = Decimal(held[symbol]["quantity"]) / 2
            fields = {"side": "sell", "quantity": some - some % step, "reduce_only": True}
        intent = OrderIntent(symbol=symbol, account=account, actor="drill", reason="drill", **fields)  # type: ignore[arg-type]
        try:
            return propose_order(intent=intent, moment=moment)
        except HQError as refused:
            self.seen[f"refused: {refused.code}"] += 1
            return None

    def _cancel(self) -> None:
        order = self.resting.pop(self.draw.randrange(len(self.resting)))
        try:
            cancel_order(order_id=UUID(order), actor="drill", reason="drill", moment=current_moment())
        except HQError:
            self.seen["ended before its cancel"] += 1
        else:
            self.seen["canceled"] += 1

    def _wait_for_the_executor(self) -> None:
        while time.monotonic() < self.until:
            with connection.cursor() as cursor:
                cursor.execute(ON_THE_WAY)
                if cursor.fetchone()[0] < WORKING_MOST:
                    return
            time.sleep(0.1)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    for name, default in (("orders", 1000), ("threads", 3), ("seed", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--for-seconds", type=float, default=0, help="instead of a number of orders")
    parser.add_argument("--pause", type=float, default=0, help="seconds before each order of a thread")
    parser.add_argument("--account", help="only of this one, which is open already")
    parser.add_argument("--open", action="store_true", help="only open the accounts")
    parser.add_argument("--finish", action="store_true", help="only cancel what is open")
    given = parser.parse_args()
    accounts = [given.account] if given.account else open_accounts()
    if given.finish:
        cancel_open_orders(actor="drill", reason="drill", moment=current_moment())
    if given.open or given.finish:
        return
    began = time.monotonic()
    until = began + given.for_seconds if given.for_seconds else math.inf
    most = sys.maxsize if given.for_seconds else given.orders
    sources = [
        Source(
            accounts,
            most // given.threads + (number < most % given.threads),
            f"{given.seed}|{number}",
            until,
            given.pause,
        )
        for number in range(given.threads)
    ]
    threads = [threading.Thread(target=source.run) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = sum((source.seen for source in sources), Counter())
    seconds = round(time.monotonic() - began, 1)
    sys.stdout.write(json.dumps({"seconds": seconds, **dict(sorted(seen.items()))}) + "\n")


if __name__ == "__main__":
    main()
