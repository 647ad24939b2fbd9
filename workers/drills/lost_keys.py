"""The drill of keys that can't be opened: the executor starts with a wrong passphrase, and with none."""

from functools import partial
from typing import Any

from workers.drills.drill_firm import DrillFirm
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage

BACK_SECONDS = 120
WRONG = (("another passphrase", "wrong_passphrase"), ("", "passphrase_missing"))


def keys_not_opened(stage: Stage) -> None:
    """The account is out of use and says why, nothing is asked in its name; the house shows all there is."""
    firm = own(stage)
    file = firm.home / "simulated" / "passphrase"
    right = file.read_text()
    try:
        for passphrase, code in WRONG:
            file.write_text(passphrase)
            _start_executor_anew(stage, firm)
            stage.wait(partial(_says, firm, code), BACK_SECONDS, f"the account to say {code!r}")
            began = int(firm.exchange("GET", "status")["seq"])
            wish = {
                "account": firm.account,
                "instrument": stage.symbol,
                "side": "buy",
                "notional": "15",
                "reason": "drill",
            }
            status, answer = firm.call("POST", "trading/orders/", wish)
            refused = status >= 400 and answer.get("code") == code  # noqa: PLR2004 - refused
            stage.check(refused, f"An order was answered {status}: {answer}")
            stage.check(bool(firm.get("trading/portfolio/")["equity"]), "The portfolio can't be read.")
            stage.check(firm.not_ready() == "", f"The house is not ready: {firm.not_ready()}.")
            asked = _asked_since(firm, began)
            stage.check(not asked, f"The exchange was asked in the name of the account: {asked[:3]}")
            stage.step(f"{code}: orders are refused, the rest of the house works.")
    finally:
        file.write_text(right)
    _start_executor_anew(stage, firm)
    stage.wait(partial(_says, firm, ""), BACK_SECONDS, "the account to be in use again")
    order = stage.rest()
    stage.until(order, "ACCEPTED")
    stage.cancel(order)


def _start_executor_anew(stage: Stage, firm: DrillFirm) -> None:
    stage.back("execution", firm.kill("execution"))


def _says(firm: DrillFirm, code: str) -> bool:
    query = "SELECT trouble_code FROM trading_account WHERE name = %s"
    return bool(firm.rows(query, firm.account)[0][0] == code)


def _asked_since(firm: DrillFirm, seq: int) -> list[dict[str, Any]]:
    """What reached the exchange signed with the account's keys."""
    lines: list[dict[str, Any]] = firm.exchange("GET", f"truth?fact=request&since={seq}")
    return [line for line in lines if line["account"]]


SCENARIOS = (
    Scenario(
        "T40",
        "The passphrase of the exchange keys is wrong, then missing",
        "The account is refused and says why, nothing is asked in its name; the right one heals it.",
        keys_not_opened,
    ),
)
