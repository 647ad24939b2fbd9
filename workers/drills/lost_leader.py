"""Drills of two instances: the one that trades is killed or frozen, the other trades on; nothing is sent twice."""

import time

from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage
from workers.drills.standby_firm import leads, standing_by

SERVERS = ("postgres", "exchange")  # stand for what is on other machines
LONGEST_FAILOVER = 120
EPOCH = "SELECT epoch FROM trading_order WHERE id = %s"


def primary_killed(stage: Stage) -> None:
    primary = own(stage)
    with standing_by(primary) as backup:
        stage.wait(lambda: leads(primary, "hq-1"), 30, "the primary to lead")
        stage.step("The backup stands by.")
        resting = stage.rest()
        stage.until(resting, "ACCEPTED")
        stage.fault("latency", on="create", symbol="BTC/USDT", seconds=2)
        under_way = stage.rest()
        stage.until(under_way, "SUBMITTING", seconds=20)
        primary.end_abruptly(spare=SERVERS)
        killed = time.monotonic()
        stage.step("Every process of the primary was killed, with an order under way.")
        stage.firm = backup
        try:
            stage.wait(lambda: leads(backup, "hq-2"), LONGEST_FAILOVER, "the backup to take the lease")
            stage.step(f"The backup leads {time.monotonic() - killed:.1f} s after the kill.")
            stage.heal()
            following = stage.rest(symbol="ETH/USDT", seconds=LONGEST_FAILOVER)
            stage.until(following, "ACCEPTED", seconds=LONGEST_FAILOVER)
            stage.step(f"Its first order was taken {time.monotonic() - killed:.1f} s after the kill.")
            stage.until(under_way, "ACCEPTED", "NOT_PLACED", seconds=LONGEST_FAILOVER)
            _sent_once_and_in_order(stage, resting, under_way, following)
            for order in (resting, following, *([under_way] if stage.state(under_way) == "ACCEPTED" else [])):
                stage.cancel(order)
            primary.launch()
            stage.step("The primary was started again.")
            stage.wait(lambda: leads(primary, "hq-2"), 60, "the primary to stand by")
        finally:
            stage.firm = primary
    stage.wait(lambda: leads(primary, "hq-1"), 60, "the primary to lead again, since the backup let go")
    stage.step("The backup was stopped, and the primary leads again.")


def _sent_once_and_in_order(stage: Stage, resting: str, under_way: str, following: str) -> None:
    stage.sent_once(resting)
    stage.sent_once(following)
    found = len(stage.creates(under_way))
    stage.check(found <= 1, f"The exchange received {found} creates of the order that was under way.")
    before, after = (int(stage.firm.rows(EPOCH, order)[0][0]) for order in (under_way, following))
    stage.check(after > before, f"The backup's order carries epoch {after}, the primary's last one {before}.")


SCENARIOS = (
    Scenario(
        "T18",
        "The primary is killed, and nobody can be sure of it",
        "Its backup waits out lease and requests, compares, then trades; no order is sent twice.",
        primary_killed,
    ),
)
