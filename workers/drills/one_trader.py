"""That only one house trades at a time, as seen from outside: by the lines to the exchange, the exchange's own log and
the lease.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any, Self

import psycopg

from workers.drills.drill_firm import DrillFirm

CREATE = re.compile(rb"newClientOrderId=([\w.\-]+)")
LOOK_SECONDS = 0.2
LEASES = (
    "SELECT scope, holder, house, epoch, expires_at > clock_timestamp(), extract(epoch FROM sends_from)::float8 "
    "FROM foundation_lease WHERE epoch > 0"
)
TERMS = "SELECT epoch, actor FROM foundation_audit_entry WHERE action = 'leadership.taken' ORDER BY wall"
EPOCHS = "SELECT client_order_id, epoch FROM trading_order WHERE account_id = %s AND epoch > 0"
CLAIMED = (
    "SELECT o.id, o.epoch FROM trading_ordertransition t JOIN trading_order o ON o.id = t.order_id "
    "WHERE t.to_state = 'SUBMITTING' AND o.origin <> 'venue' ORDER BY t.id"
)


class Witness:
    """Listens on every house's line to the exchange and looks at the lease, while it is entered; then judges.

    It has an own way to the database, past all lines.
    """

    def __init__(self, houses: Mapping[str, DrillFirm]) -> None:
        self.houses = houses
        self._firm = next(iter(houses.values()))
        self._heard: dict[
            str, list[tuple[str, float]]
        ] = {}  # by client id: the house and the time, each time it passed
        self._sends_from: dict[int, float] = {}  # by epoch
        self._last_epoch = 0
        self._looks, self._looked_to_the_end = 0, False
        self._seen: list[str] = []
        self._first_line = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look_on, name="witness", daemon=True)

    def __enter__(self) -> Self:
        self._first_line = int(self._firm.exchange("GET", "status")["seq"])
        for name, firm in self.houses.items():
            firm.exchange_line.overheard = partial(self._hear, name)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()
        for firm in self.houses.values():
            firm.exchange_line.overheard = lambda _: None

    def problems(self) -> list[str]:
        """What contradicts one trader at a time; also where nothing was seen that could have."""
        accepted = self._accepted()
        epochs = dict(self._firm.rows(EPOCHS, self._firm.account))
        return [
            *self._seen,
            *([] if self._looked_to_the_end else ["The lease was not looked at to the end."]),
            *(["No order was sent while the witness listened."] if not accepted else []),
            *falling("I9: order {} was claimed", self._firm.rows(CLAIMED)),
            *falling("I10: the exchange took order {}", [(one, epochs.get(one, 0)) for one in accepted]),
            *(text for one in accepted for text in self._not_by_its_leader(one, epochs.get(one, 0))),
        ]

    def told(self) -> str:
        """Who traded when, in a sentence."""
        leaders, epochs = dict(self._firm.rows(TERMS)), dict(self._firm.rows(EPOCHS, self._firm.account))
        accepted = self._accepted()
        sent = Counter(leaders.get(epochs.get(one, 0), "nobody") for one in accepted)
        terms = {epoch: leaders.get(epoch, "nobody") for epoch in sorted(self._sends_from)}
        shares = ", ".join(f"{count} of {name}" for name, count in sorted(sent.items()))
        return (
            f"The exchange took {len(accepted)} orders: {shares}. "
            f"Terms: {', '.join(f'{epoch} {name}' for epoch, name in terms.items())}. "
            f"The lease was looked at {self._looks} times."
        )

    def takeovers(self) -> int:
        """How often another house began to lead."""
        leaders = dict(self._firm.rows(TERMS))
        names = [leaders.get(epoch) for epoch in sorted(self._sends_from)]
        return sum(before != after for before, after in pairwise(names))

    def _accepted(self) -> list[str]:
        """The client ids of the creates that the exchange did, in its order."""
        lines: list[dict[str, Any]] = self._firm.exchange("GET", f"truth?fact=request&since={self._first_line}")
        created = [line for line in lines if line["operation"] == "create" and line["applied"]]
        return [line["params"]["newClientOrderId"] for line in created]

    def _not_by_its_leader(self, client_id: str, epoch: int) -> list[str]:
        """Whether the line that carried an accepted order was that of its term's leader, before the next could send."""
        leaders, carried = dict(self._firm.rows(TERMS)), self._heard.get(client_id, [])
        # A house that leads again after itself waits for nobody: its new term keeps the time of the one before.
        led_by = leaders.get(epoch)
        later = [at for other, at in self._sends_from.items() if other > epoch and leaders.get(other) != led_by]
        names = {name for name, _ in carried}
        found = []
        if names != {led_by}:
            found.append(f"I10: order {client_id} of epoch {epoch}, led by {led_by}, came from {names or 0}.")
        if later and carried and carried[0][1] > min(later):
            late = carried[0][1] - min(later)
            found.append(f"I10: order {client_id} of epoch {epoch} left {late:.2f} s after the next leader could send.")
        return found

    def _hear(self, name: str, data: bytes) -> None:
        for found in CREATE.findall(data):
            self._heard.setdefault(found.decode(), []).append((name, time.time()))

    def _look_on(self) -> None:
        with psycopg.connect(self._firm.database(), autocommit=True) as link:
            while not self._over.wait(LOOK_SECONDS):
                self._look(link.execute(LEASES).fetchall())
        self._looked_to_the_end = self._looks > 0

    def _look(self, rows: list[tuple[Any, ...]]) -> None:
        self._looks += 1
        alive = {(holder, house, epoch) for _, holder, house, epoch, lives, _ in rows if lives}
        newest = max((row[3] for row in rows), default=0)
        if len(alive) > 1:
            self._seen.append(f"I10: more than one leads: {sorted(alive)}.")
        if newest < self._last_epoch:
            self._seen.append(f"I9: the epoch fell from {self._last_epoch} to {newest}.")
        self._last_epoch = max(newest, self._last_epoch)
        for scope, _, _, epoch, _, sends_from in rows:
            if scope == self._firm.account:
                self._sends_from[epoch] = sends_from


def falling(what: str, found: list[tuple[Any, int]]) -> list[str]:
    """A sentence for each that carries a lower epoch than one before it."""
    wrong, highest = [], 0
    for name, epoch in found:
        if epoch < highest:
            wrong.append(f"{what.format(name)} in epoch {epoch} after one of {highest}.")
        highest = max(highest, epoch)
    return wrong
