"""Drills of two instances: the one that trades is killed, frozen or cut off, the other trades on; nothing is sent
twice.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from workers.drills.drill_firm import DrillFirm
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage
from workers.drills.standby_firm import StandbyFirm, leads, standing_by
from workers.drills.tcp_proxy import Weather
from workers.drills.whole_house import dead

SERVERS = ("postgres", "exchange")  # stand for what is on other machines
LONGEST_FAILOVER = 120
FROZEN_SECONDS, FROZEN_SECONDS_FULL = 20, 60
STARTS, STARTS_FULL = 2, 6
EPOCH = "SELECT epoch FROM trading_order WHERE id = %s"
LEADERS = "SELECT holder, epoch FROM foundation_lease WHERE expires_at > clock_timestamp()"
STANDS_BY = (
    "SELECT count(*) FROM foundation_process_beat WHERE name = 'execution/order_sweep'"
    " AND detail ->> 'standing_by' LIKE '%%hq-2 holds%%'"
)


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
    _primary_leads_again(stage, primary)


def primary_frozen(stage: Stage) -> None:
    """With an order that was proposed to it and not sent; woken, it must not send it any more."""
    primary = own(stage)
    with standing_by(primary) as backup:
        resting = _sent_by_the_primary(stage, primary)
        with primary.frozen("execution"):
            frozen = time.monotonic()
            stage.step("The primary's executor was frozen.")
            waiting = stage.rest(symbol="ETH/USDT")
            with _on(stage, backup, primary):
                sent = _backup_sends(stage, backup, waiting)
                rest = FROZEN_SECONDS_FULL if stage.full else FROZEN_SECONDS
                time.sleep(max(0.0, frozen + rest - time.monotonic()))
        stage.step(f"It was woken after {time.monotonic() - frozen:.0f} s.")
        _old_primary_stands_by(stage, primary, backup, resting, sent)
    _primary_leads_again(stage, primary)


def primary_cut_off(stage: Stage) -> None:
    """Its line to PostgreSQL swallows all, then is reset: it stops by itself before the lease can end."""
    primary = own(stage)
    with standing_by(primary) as backup:
        resting = _sent_by_the_primary(stage, primary)
        with primary.storm("database", Weather.BLACKHOLE), _on(stage, backup, primary):
            stage.step("Nothing of what the primary says to PostgreSQL arrives any more.")
            waiting = stage.rest(symbol="ETH/USDT", seconds=LONGEST_FAILOVER)
            sent = _backup_sends(stage, backup, waiting)
        stage.step("The line was reset.")
        _old_primary_stands_by(stage, primary, backup, resting, sent)
    _primary_leads_again(stage, primary)


def started_together(stage: Stage) -> None:
    """All their programs are killed, stay away till the lease has ended, and are started at once, several times."""
    primary = own(stage)
    with standing_by(primary) as backup:
        epochs = [stage.wait(lambda: _leader(stage, primary), 30, "the primary to lead")[1]]
        for number in range(STARTS_FULL if stage.full else STARTS):
            with dead(primary, spare=SERVERS), dead(backup):
                stage.wait(lambda: _leader(stage, primary) is None, LONGEST_FAILOVER, "the lease to end")
            name, epoch = stage.wait(lambda: _leader(stage, primary), LONGEST_FAILOVER, "one of the two to lead")
            stage.step(f"Start {number + 1}: {name} leads in epoch {epoch}.")
            epochs.append(epoch)
            order = stage.rest(seconds=LONGEST_FAILOVER)
            stage.until(order, "ACCEPTED", seconds=LONGEST_FAILOVER)
            stage.sent_once(order)
            stage.cancel(order)
        stage.check(epochs == sorted(set(epochs)), f"The epochs did not rise with each start: {epochs}.")
    _primary_leads_again(stage, primary)


def _leader(stage: Stage, firm: DrillFirm) -> tuple[str, int] | None:
    """Who leads all accounts, and its epoch; None while nobody does. Two at once end the drill."""
    found = sorted(set(firm.rows(LEADERS)))
    stage.check(len(found) <= 1, f"More than one leads: {found}.")
    return (str(found[0][0]), int(found[0][1])) if found else None


def _sent_by_the_primary(stage: Stage, primary: DrillFirm) -> str:
    stage.wait(lambda: leads(primary, "hq-1"), 30, "the primary to lead")
    stage.step("The backup stands by.")
    resting = stage.rest()
    stage.until(resting, "ACCEPTED")
    return resting


@contextmanager
def _on(stage: Stage, firm: DrillFirm, back: DrillFirm) -> Iterator[None]:
    """What the stage does is done by ``firm``, until the end."""
    stage.firm = firm
    try:
        yield
    finally:
        stage.firm = back


def _backup_sends(stage: Stage, backup: StandbyFirm, waiting: str) -> str:
    """What waited is sent once, or ended unsent while risk may only be reduced; then an order of its own, its id."""
    stage.wait(lambda: leads(backup, "hq-2"), LONGEST_FAILOVER, "the backup to take the lease")
    stage.step("The backup leads.")
    ended = stage.until(waiting, "ACCEPTED", "CANCELED", seconds=LONGEST_FAILOVER)
    stage.sent_once(waiting, times=int(ended == "ACCEPTED"))
    if ended == "ACCEPTED":
        stage.cancel(waiting)
    following = stage.rest(symbol="ETH/USDT", seconds=LONGEST_FAILOVER)
    stage.until(following, "ACCEPTED", seconds=LONGEST_FAILOVER)
    return following


def _old_primary_stands_by(stage: Stage, primary: DrillFirm, backup: StandbyFirm, before: str, after: str) -> None:
    """It says so, and another order is sent by the backup; each was sent once."""
    stage.wait(lambda: primary.rows(STANDS_BY)[0][0] == 1, LONGEST_FAILOVER, "the old primary to stand by")
    stage.step("The old primary stands by.")
    with _on(stage, backup, primary):
        following = stage.rest(symbol="SOL/USDT", seconds=LONGEST_FAILOVER)
        stage.until(following, "ACCEPTED", seconds=LONGEST_FAILOVER)
        for order in (before, after, following):
            stage.sent_once(order)
        epochs = [int(backup.rows(EPOCH, order)[0][0]) for order in (before, after, following)]
        stage.check(epochs[0] < epochs[1] == epochs[2], f"The orders carry the epochs {epochs}.")
        for order in (before, after, following):
            stage.cancel(order)


def _primary_leads_again(stage: Stage, primary: DrillFirm) -> None:
    stage.wait(lambda: leads(primary, "hq-1"), LONGEST_FAILOVER, "the primary to lead, since the backup let go")
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
        "T15",
        "The primary's executor is frozen and wakes",
        "The backup leads and trades; woken, the primary sends nothing and stands by.",
        primary_frozen,
    ),
    Scenario(
        "T16",
        "The primary is cut off from PostgreSQL",
        "It stops by itself, the backup trades on; with its line back it stands by.",
        primary_cut_off,
    ),
    Scenario(
        "T17",
        "Primary and backup start together",
        "One of them leads each time, and epochs rise.",
        started_together,
    ),
    Scenario(
        "T18",
        "The primary is killed, and nobody can be sure of it",
        "Its backup waits out lease and requests, compares, then trades; no order is sent twice.",
        primary_killed,
    ),
)
