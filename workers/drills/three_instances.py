"""The drill of three instances: primary, backup and research, killed, frozen and cut apart while the firm trades."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from workers.drills.bridged_firms import FIRM, LABORATORY, bridged, hears, introduce
from workers.drills.desk_accounts import order_source, source_told, start_source
from workers.drills.drill_firm import DrillFirm
from workers.drills.instance_blows import InstanceBlows
from workers.drills.lost_processes import own
from workers.drills.one_trader import Witness
from workers.drills.scenario import Scenario, Stage
from workers.drills.standby_firm import NAME as BACKUP
from workers.drills.standby_firm import leads, standing_by
from workers.drills.whole_house import environments

SECONDS, SECONDS_FULL = 90.0, 600.0
BLOW_SECONDS, BLOW_SECONDS_FULL = (6.0, 22.0), (5.0, 40.0)  # a lease lasts 15 s
FAILOVER_SECONDS, BACK_SECONDS = 120, 240
ORDER_PAUSE = 0.5
HALTED = (
    "SELECT count(*) FROM trading_statecause WHERE closed_wall IS NULL AND state = 'HALTED' AND kind = 'operator_stop'"
)
TAKEN_BY_RESEARCH = (
    "SELECT (SELECT count(*) FROM trading_ordertransition WHERE to_state = 'SUBMITTING'),"
    " (SELECT count(*) FROM foundation_lease WHERE epoch > 0), (SELECT count(*) FROM trading_fill)"
)
RECORD = (
    "SELECT count(*) FROM (SELECT payload AS text FROM foundation_audit_entry"
    " UNION ALL SELECT detail FROM management_incident"
    " UNION ALL SELECT payload::text FROM foundation_outbox_event) AS told WHERE position(%s IN text) > 0"
)


def three_instances(stage: Stage) -> None:
    """Never two traders, the books of the exchange, a stop that outlives its leader, research that sends nothing."""
    primary = own(stage)
    with bridged(primary) as (laboratory, line), standing_by(primary) as backup:
        introduce(primary, laboratory, LABORATORY)
        introduce(laboratory, primary, FIRM)
        houses: dict[str, DrillFirm] = {FIRM: primary, BACKUP: backup}
        blows = InstanceBlows(stage, houses, laboratory, line)
        _agents(primary, "start")
        stage.wait(lambda: leads(primary, FIRM), FAILOVER_SECONDS, "the primary to lead")
        with Witness(houses) as witness:
            with _orders(stage, primary) as source:
                _storm(stage, blows)
                stage.step(f"Orders: {source_told(source)}. Blows: {dict(blows.dealt.most_common())}.")
            _stop_outlives_its_leader(stage, blows)
            leader = _all_back(stage, blows)
            _agents_where_they_belong(stage, houses, leader)
            _agents(houses[leader], "stop")
            order_source(primary, f"--account={primary.account}", "--finish")
        stage.step(witness.told())
        problems = [*witness.problems(), *_research_sent(laboratory), *_records(houses, laboratory)]
        stage.check(not problems, " ".join(problems[:10]))
        stage.check(witness.takeovers() > 0, "Nobody took over: the blows struck nobody who led.")
    stage.wait(lambda: leads(primary, FIRM), FAILOVER_SECONDS, "the primary to lead, since the backup let go")
    stage.step("Backup and research were stopped, and the primary leads again.")


@contextmanager
def _orders(stage: Stage, primary: DrillFirm) -> Iterator["subprocess.Popen[str]"]:
    """A source of orders past all lines, until the end."""
    seconds = SECONDS_FULL if stage.full else SECONDS
    words = (f"--account={primary.account}", f"--for-seconds={seconds}", f"--pause={ORDER_PAUSE}", "--threads=1")
    source = start_source(primary, *words, f"--seed={stage.seed}", DATABASE_URL=primary.database())
    try:
        yield source
    finally:
        if source.poll() is None:
            source.kill()
            source.wait()


def _storm(stage: Stage, blows: InstanceBlows) -> None:
    seconds = SECONDS_FULL if stage.full else SECONDS
    stage.step(f"Agents and a source of orders trade for {seconds:.0f} s, while blows fall.")
    blows.deal(time.monotonic() + seconds, BLOW_SECONDS_FULL if stage.full else BLOW_SECONDS)
    stage.healed_at = time.monotonic()


def _stop_outlives_its_leader(stage: Stage, blows: InstanceBlows) -> None:
    """I11: an emergency stop is given to one house, which dies; the other that leads then is halted, too."""
    before = _leader(stage, blows)
    after = blows.other(before)
    stage.wait(partial(_is_ready, blows.houses[after]), BACK_SECONDS, f"{after} to be ready")
    stage.wait(lambda: _asked(blows.houses[before], "trading/stop/"), BACK_SECONDS, "the stop to be taken")
    with blows.struck(before, "dead"):
        stage.step(f"{before} took an emergency stop and died.")
        stage.wait(lambda: leads(blows.houses[after], after), FAILOVER_SECONDS, f"{after} to lead")
        stage.check(blows.houses[after].rows(HALTED)[0][0] == 1, "The stop did not outlive its leader.")
        stage.step(f"{after} leads, and is halted.")
    stage.wait(lambda: _asked(blows.houses[after], "trading/resume/"), BACK_SECONDS, "trading to be resumed")


def _all_back(stage: Stage, blows: InstanceBlows) -> str:
    """Every house runs again, one leads and fills an order, and the bridge carries; who leads."""
    for name, firm in (*blows.houses.items(), ("research", blows.laboratory)):
        stage.wait(partial(_is_ready, firm), BACK_SECONDS, f"{name} to be ready")
    name = _leader(stage, blows)
    stage.wait(lambda: stage.trading_state() == "ACTIVE", FAILOVER_SECONDS, "trading to be free")
    primary, stage.firm = stage.firm, blows.houses[name]
    try:
        stage.firm.make_room()  # the source of orders and the agents may have spent all
        stage.until(stage.buy(seconds=FAILOVER_SECONDS), "FILLED")
    finally:
        stage.firm = primary
    stage.wait(lambda: hears(blows.laboratory), FAILOVER_SECONDS, "research to hear the firm")
    stage.step(f"All three run again; {name} leads.")
    return name


def _is_ready(firm: DrillFirm) -> bool:
    return firm.not_ready() == ""


def _leader(stage: Stage, blows: InstanceBlows) -> str:
    def one() -> str | None:
        return next((name for name, firm in blows.houses.items() if leads(firm, name)), None)

    return str(stage.wait(one, FAILOVER_SECONDS, "one of the two to lead"))


def _agents_where_they_belong(stage: Stage, houses: Mapping[str, DrillFirm], leader: str) -> None:
    """I14: the wanted agents run at the leader, and nowhere else."""
    wanted = {f"agent-{one['id']}" for one in houses[leader].get("agents/")["results"]}

    def apart() -> bool:
        run = {name: set(firm.programs("agent-")) for name, firm in houses.items()}
        return run == {name: wanted if name == leader else set() for name in houses}

    stage.wait(apart, FAILOVER_SECONDS, f"the {len(wanted)} agents to run at {leader}, and nowhere else")


def _agents(firm: DrillFirm, verb: str) -> None:
    for agent in firm.get("agents/")["results"]:
        firm.call("POST", f"agents/{agent['id']}/{verb}/", {"reason": "drill"})


def _asked(firm: DrillFirm, path: str) -> bool:
    return firm.call("POST", path, {"reason": "drill"})[0] == 200  # noqa: PLR2004 - ok


def _research_sent(laboratory: DrillFirm) -> list[str]:
    """Research refuses an order of a person, and nothing of it ever left: it held no lease and claimed nothing."""
    wish = {"instrument": "BTC/USDT", "side": "buy", "type": "market", "notional": "15", "reason": "drill"}
    status, answer = laboratory.call("POST", "trading/orders/", wish)
    claimed, leases, fills = laboratory.rows(TAKEN_BY_RESEARCH)[0]
    traded = f"Research sent {claimed} orders, held {leases} leases, has {fills} fills."
    return [
        *([f"Research took an order: {answer}."] if status == 201 else []),  # noqa: PLR2004 - created
        *([traded] if claimed + leases + fills else []),
    ]


def _records(houses: Mapping[str, DrillFirm], laboratory: DrillFirm) -> list[str]:
    """I13: every audit chain verifies; I16: no secret stands in a log, a record or an agent's environment."""
    found = []
    for firm in (next(iter(houses.values())), laboratory):
        try:
            firm.manage("verify_audit")
        except OSError as failed:
            found.append(f"I13: {failed}")
    for name, firm in (*houses.items(), ("research", laboratory)):
        found += [f"I16: {where} of {name} holds the {what}." for where, what in _leaks(firm)]
    return found


def _leaks(firm: DrillFirm) -> list[tuple[str, str]]:
    logs = [*(firm.home / "logs").glob("*"), firm.home / "console.txt"]
    found = []
    for what, secret in firm.secrets().items():
        found += [(file.name, what) for file in logs if file.is_file() and _stands_in(file, secret)]
        if firm.rows(RECORD, secret)[0][0]:
            found.append(("the record", what))
        if any(secret in " ".join(given.values()) for given in environments(firm, "agent-")):
            found.append(("the environment of an agent", what))
    return found


def _stands_in(file: Path, secret: str) -> bool:
    with file.open(errors="replace") as lines:
        return any(secret in line for line in lines)


SCENARIOS = (
    Scenario(
        "INSTANCES",
        "Three instances are killed, frozen and cut apart",
        "One trades at a time, all books agree, a stop outlives its leader, research sends nothing.",
        three_instances,
    ),
)
