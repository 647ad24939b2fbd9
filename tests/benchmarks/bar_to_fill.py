"""From the release of a bar to the fill it led to, on a running firm with its agents, against five empty Celery hops.

Counted, from the timestamps in the database: the clock's ``released_at`` of the bar that was decided on, up to
``recorded_wall`` of the fill of the consensus' order. In between: the bar's own release, matching, the guard's look,
rounds, votes, decision, gate, order, submission, and the release of the next bar, at whose open a paper order fills.
The market runs as fast as it can (SPEED=0), so that no time is spent waiting for the next bar.
"""

import itertools
import os
import time
from datetime import datetime

import psycopg

from tests.benchmarks import task_hop
from tests.benchmarks.measure import Line, p50
from tests.support.running_firm import RunningFirm

HOPS = 5
CHAINS = 40
LONGEST_SECONDS = 240
ENOUGH_FILLS = 40
FILLS = """
    SELECT d.closed_at, min(f.recorded_wall) FROM trading_fill f JOIN trading_order o ON o.id = f.order_id
    JOIN agents_decision d ON d.id = o.decision_id
    WHERE o.origin = 'consensus' AND f.recorded_wall > %s GROUP BY o.id, d.closed_at"""


def run(firm: RunningFirm) -> list[Line]:
    """p50 from bar to fill, and of one bar from release to release."""
    agents = len([agent for agent in firm.get("agents/")["results"] if agent["desired_state"] == "running"])
    speed = firm.environment["SPEED"]
    before = _empty_hops()
    _restart(firm, "0")
    try:
        released, filled = _watch(os.environ["DATABASE_URL"])
    finally:
        _restart(firm, speed)
    hops = p50(before + _empty_hops())
    waits = [(at - released[bar]).total_seconds() * 1_000 for bar, at in filled if bar in released]
    starts = sorted(released.values())
    bars = [(later - earlier).total_seconds() * 1_000 for earlier, later in itertools.pairwise(starts)]
    what = f"bar closed to paper fill, {agents} agents, {len(waits)} fills, p50 ms (bare: {HOPS} empty hops)"
    if not waits:
        return [Line(what, "no fill", f"{hops:.1f}", "-", "<= 4.0")]
    return [
        Line(what, f"{p50(waits):.0f}", f"{hops:.1f}", f"{p50(waits) / hops:.1f}", "<= 4.0"),
        Line(f"one bar, release to release, {len(bars)} bars, p50 ms", f"{p50(bars):.0f}", "-", "-", "-"),
    ]


def _restart(firm: RunningFirm, speed: str) -> None:
    firm.stop()
    firm.environment["SPEED"] = speed
    firm.start()
    firm.wait_for(lambda: firm.get("market/quotes/")["results"], 60, "a quote")


def _empty_hops() -> list[float]:
    worker = task_hop.bare_worker()
    try:
        return task_hop.time_hops(task_hop.bare_sender(), task_hop.BARE_ANSWERS, HOPS - 1, CHAINS)
    finally:
        worker.terminate()
        worker.wait(30)


def _watch(database: str) -> tuple[dict[datetime, datetime], list[tuple[datetime, datetime]]]:
    """When each bar was released, and the fills with the bar they were decided on."""
    released: dict[datetime, datetime] = {}
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("LISTEN hq_bar")
        began = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        deadline = time.monotonic() + LONGEST_SECONDS
        filled: list[tuple[datetime, datetime]] = []
        while time.monotonic() < deadline and len(filled) < ENOUGH_FILLS:
            list(connection.notifies(timeout=2, stop_after=1))  # asked within, the next would come without an end
            bar, at = connection.execute("SELECT bar_at, released_at FROM market_marketclock").fetchone()
            released[bar] = at
            filled = connection.execute(FILLS, [began]).fetchall()
    return released, filled
