"""The drill of the last resort: the database is restored from a backup that is older than the newest orders."""

import time
from pathlib import Path

from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage
from workers.drills.tcp_proxy import Weather

OLD_SECONDS, OLD_SECONDS_FULL = 10, 600  # how old the backup is
EPOCH = "SELECT epoch FROM foundation_record_epoch"
GAPS = "SELECT count(*) FROM foundation_audit_entry WHERE action = 'record.restored' AND epoch = %s"
CHAINS = "SELECT count(*) FROM foundation_audit_head"
CAUSE = "SELECT state, latched FROM trading_statecause WHERE kind = 'restored' AND closed_wall IS NULL"
PASSED = (
    "SELECT count(*) FROM trading_account a LEFT JOIN trading_accountreconciliation r ON r.account_id = a.name "
    "WHERE a.enabled AND r.passed_wall IS NULL"
)
GAP_TOLD = "a gap before entry"
IMPORTED = "SELECT state, origin, filled_quantity FROM trading_order WHERE id = %s"


def restored_from_a_backup(stage: Stage) -> None:
    """Before the backup an order rests; after it that one is canceled, another is filled, a third rests."""
    firm = own(stage)
    canceled = stage.rest()
    stage.until(canceled, "ACCEPTED")
    epoch, chains = firm.rows(EPOCH)[0][0], firm.rows(CHAINS)[0][0]
    gaps = firm.manage("verify_audit").count(GAP_TOLD)
    backup = firm.manage("backup").split("Kept in ")[1].split(":")[0]
    stage.step(f"A backup was made and read back: {Path(backup).name}.")
    stage.cancel(canceled)
    filled = stage.buy("15", symbol="ETH/USDT")
    stage.until(filled, "FILLED")
    resting = stage.rest(symbol="SOL/USDT")
    stage.until(resting, "ACCEPTED")
    time.sleep(OLD_SECONDS_FULL if stage.full else OLD_SECONDS)
    firm.stop()
    try:
        firm.manage("restore", backup, "--replace")
    except OSError:
        firm.launch()  # the drills after this one need a firm
        raise
    stage.step("The firm was stopped and its database restored from the backup.")
    with firm.storm("exchange", Weather.REFUSE):
        firm.launch()
        stage.check(not firm.rows(IMPORTED, filled), "The restored books know an order that is newer than they are.")
        _halted_and_declared(stage, epoch, chains)
    stage.healed_at = time.monotonic()
    stage.step("The exchange can be reached again.")
    stage.wait(lambda: firm.rows(PASSED)[0][0] == 0, 150, "every account to be compared with its venue")
    stage.check(stage.trading_state() == "HALTED", f"Trading is {stage.trading_state()} before anybody resumed it.")
    for order, state in ((canceled, "CANCELED"), (filled, "FILLED"), (resting, "ACCEPTED")):
        stage.until(order, state, seconds=60)
    stage.check(firm.rows(IMPORTED, filled)[0][1] == "venue", "The missing order was not taken in from the exchange.")
    status, answer = firm.call("POST", "trading/resume/", {"reason": "The comparison has passed."})
    stage.check(status == 200, f"Resuming was answered {status}: {answer}")  # noqa: PLR2004 - ok
    stage.cancel(resting)
    told = firm.manage("verify_audit")
    stage.check(told.count(GAP_TOLD) == gaps + chains, f"verify_audit does not name every gap: {told}")
    stage.step(told.strip().splitlines()[-1])


def _halted_and_declared(stage: Stage, epoch: int, chains: int) -> None:
    firm = own(stage)
    new = firm.rows(EPOCH)[0][0]
    stage.check(new > epoch, f"The epoch is {new}, as it was before: {epoch}.")
    stage.check(firm.rows(CAUSE) == [("HALTED", True)], f"The cause of the restore is {firm.rows(CAUSE)}.")
    gaps = firm.rows(GAPS, new)[0][0]
    stage.check(gaps == chains, f"{gaps} of {chains} audit chains say that entries may be missing.")
    wish = {"account": firm.account, "instrument": "BTC/USDT", "side": "buy", "notional": "15", "reason": "drill"}
    seen = firm.place(wish)
    stage.check(seen["state"] == "DENIED", f"A buy was {seen['state']} on books that nobody has compared.")
    status, answer = firm.call("POST", "trading/resume/", {"reason": "Too early."})
    stage.check(
        (status, answer.get("code")) == (409, "not_reconciled"), f"Resuming too early was answered {status}: {answer}"
    )
    stage.step("Halted, declared in every audit chain, and not to be resumed before the comparison.")


SCENARIOS = (
    Scenario(
        "T23",
        "The database is restored from a backup",
        "Halted until compared with the exchange; what is missing is taken in; the gap is declared.",
        restored_from_a_backup,
    ),
)
