"""The drill of the bridge: the line between a firm and its laboratory swallows all, then is mended, then is reset."""

import time
from datetime import datetime
from functools import partial

from workers.drills.bridged_firms import FIRM, LABORATORY, bridged, hears, introduce
from workers.drills.drill_firm import DrillFirm
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage
from workers.drills.tcp_proxy import Weather

HEARD_SECONDS = 120
CUT_SECONDS, CUT_SECONDS_FULL = 30, 300
HALTS = (
    "SELECT count(*) FROM trading_statecause WHERE closed_wall IS NULL AND state = 'HALTED' AND kind = 'operator_stop'"
)
PROPOSED = "SELECT count(*) FROM management_agentproposal"
TAKEN = "SELECT kind, count(*) FROM management_takenenvelope WHERE kind IN ('halt', 'proposal') GROUP BY kind"
HEARD_SINCE = "SELECT count(*) FROM management_bridgelink WHERE heard_at > %s"
REFUSED_STOP = "SELECT count(*) FROM management_incident WHERE kind = 'bridge_kind_not_allowed'"
NO_REFUSALS = ["bridge_peer_silent", "bridge_away", "bridge_proposal_waits"]
REFUSED = "SELECT kind FROM management_incident WHERE kind LIKE 'bridge_%%' AND kind <> ALL(%s)"


def cut_bridge(stage: Stage) -> None:
    """What is said while the line is cut arrives once it is mended, once, and only what the peer may say."""
    firm = own(stage)
    with bridged(firm) as (laboratory, line):
        introduce(firm, laboratory, LABORATORY, "--may-halt", "--may-propose")
        introduce(laboratory, firm, FIRM)
        for here, peer in ((firm, LABORATORY), (laboratory, FIRM)):
            stage.wait(partial(hears, here), HEARD_SECONDS, f"{peer} to be heard")
        stage.step("The two hear each other.")
        line.weather = Weather.BLACKHOLE
        _ask(stage, laboratory, f"management/bridge/peers/{FIRM}/propose/", agent_id=_agent_of(laboratory))
        _ask(stage, laboratory, "trading/stop/")
        stage.step("Nothing that either says arrives any more; the laboratory proposed an agent and stopped.")
        time.sleep(CUT_SECONDS_FULL if stage.full else CUT_SECONDS)
        stage.check(firm.rows(HALTS)[0][0] == 0, "The firm was halted over a line that is cut.")
        line.clear()
        _backlog_arrives(stage, firm)
        _stop_without_the_right(stage, firm, laboratory)
        line.cut()
        stage.step("The line was reset.")
        _nothing_came_twice(stage, firm, reset=firm.rows("SELECT clock_timestamp()")[0][0])
    stage.step("The laboratory was stopped.")


def _backlog_arrives(stage: Stage, firm: DrillFirm) -> None:
    mended = time.monotonic()
    stage.wait(lambda: firm.rows(HALTS)[0][0] == 1, HEARD_SECONDS, "the laboratory's stop to halt the firm")
    stage.step(f"The stop halted the firm {time.monotonic() - mended:.1f} s after the line was mended.")
    stage.wait(lambda: firm.rows(PROPOSED)[0][0], HEARD_SECONDS, "the proposal to arrive")
    _ask(stage, firm, "trading/resume/")


def _stop_without_the_right(stage: Stage, firm: DrillFirm, laboratory: DrillFirm) -> None:
    """The firm gave the laboratory rights that the laboratory did not give the firm."""
    _ask(stage, laboratory, "trading/resume/")
    _ask(stage, firm, "trading/stop/")
    stage.wait(lambda: laboratory.rows(REFUSED_STOP)[0][0], HEARD_SECONDS, "the laboratory to refuse the firm's stop")
    stage.check(laboratory.rows(HALTS)[0][0] == 0, "The laboratory was halted by who may not.")
    _ask(stage, firm, "trading/resume/")
    stage.step("A stop of a peer that may not halt was refused, with an incident.")


def _nothing_came_twice(stage: Stage, firm: DrillFirm, reset: datetime) -> None:
    """Asked once the laboratory was heard over a new connection."""
    stage.wait(lambda: firm.rows(HEARD_SINCE, reset)[0][0], HEARD_SECONDS, "the laboratory to be heard again")
    taken = dict(firm.rows(TAKEN))
    stage.check(taken == {"halt": 1, "proposal": 1}, f"Of the laboratory's post was taken: {taken}.")
    stage.check(firm.rows(PROPOSED)[0][0] == 1, f"The proposal is there {firm.rows(PROPOSED)[0][0]} times.")
    stage.check(firm.rows(HALTS)[0][0] == 0, "A stop that a person has ended came back.")
    refused = firm.rows(REFUSED, NO_REFUSALS)
    stage.check(not refused, f"The firm refused envelopes: {refused}.")


def _agent_of(laboratory: DrillFirm) -> str:
    return str(next(one["id"] for one in laboratory.get("agents/")["results"] if one["strategy"] == "momentum"))


def _ask(stage: Stage, firm: DrillFirm, path: str, **fields: str) -> None:
    status, answer = firm.call("POST", path, {"reason": "drill", **fields})
    stage.check(status in {200, 201, 202}, f"POST {path} was answered {status}: {answer}")


SCENARIOS = (
    Scenario(
        "BRIDGE",
        "The line between a firm and its laboratory is cut",
        "What was said meanwhile arrives once it is mended, once each, and only what the peer may say.",
        cut_bridge,
    ),
)
