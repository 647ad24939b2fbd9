"""The running practice firm as a drill sees it from within one of its own processes."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.foundation.errors import NotReady
from apps.management.adapters.supervisor_control import SupervisorControl
from apps.management.operations import claim_drill, end_drill, note_drill_steps
from apps.market.queries import current_moment
from apps.trading import operations as trading
from apps.trading.domain.orders.order_intent import OrderIntent
from workers.drills.every_scenario import SCENARIOS
from workers.drills.play import play
from workers.drills.scenario import Stage

SECONDS = 10.0
ACTOR = "drill"
_HELD = (
    "SELECT p.symbol, p.quantity FROM trading_position p JOIN trading_account a USING (portfolio_id) WHERE a.name = %s"
)
_AMOUNTS = ("quantity", "notional", "limit_price", "stop_price")


class PracticeFirm:
    """Implements ``Firm`` by the house's own doors; its exchange is the house's simulator."""

    def __init__(self) -> None:
        self.account = settings.VENUE
        self._control = SupervisorControl(settings.HQ_SUPERVISOR_SOCKET)

    def instruments(self) -> tuple[str, ...]:
        """Those with the least at stake first: agents may hold as much of another as the limits allow."""
        units = dict(self.rows(_HELD, self.account))
        prices = {symbol: Decimal(price) for symbol, price in self.exchange("GET", "status")["prices"].items()}
        return tuple(sorted(prices, key=lambda symbol: (units.get(symbol, 0) * prices[symbol], symbol)))

    def make_room(self) -> None:
        """Sell nothing: somebody looks at this firm, and its agents want what they hold."""

    def place(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {
            name: Decimal(str(value)) if name in _AMOUNTS else value for name, value in wish.items()
        }
        intent = OrderIntent(symbol=given.pop("instrument"), origin="manual", actor=ACTOR, **given)
        return dict(trading.propose_order(intent=intent, moment=current_moment()))

    def cancel(self, order_id: str) -> None:
        trading.cancel_order(order_id=UUID(order_id), actor=ACTOR, reason="drill", moment=current_moment())

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def exchange(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - an http address of our own making
            f"{settings.HQ_SIMULATED_CONTROL}/control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return json.load(answer)

    def kill(self, name: str) -> int:
        pid = self.running(name)
        if pid is None:
            raise NotReady(f"{name} does not run.", code="not_running")
        os.kill(pid, signal.SIGKILL)
        return pid

    def running(self, name: str) -> int | None:
        try:
            found = next(one for one in self._control.processes() if one["name"].startswith(name))
        except (NotReady, StopIteration):
            return None
        return int(found["pid"]) if found["statename"] == "RUNNING" else None


def run_practice_drill(*, run_id: UUID) -> None:
    """Play a drill that somebody asked for, once, and keep its steps as they happen."""
    row = claim_drill(run_id=run_id, moment=current_moment())
    if row is None:
        return
    steps: list[tuple[float, str]] = []

    def told(stage: Stage) -> None:
        steps[:] = stage.steps
        note_drill_steps(run_id=run_id, steps=steps)

    result = play(SCENARIOS[row.scenario], PracticeFirm(), seed=row.seed, told=told)
    end_drill(
        run_id=run_id,
        problems=result.problems,
        recovery_seconds=result.recovery_seconds,
        moment=current_moment(),
    )
