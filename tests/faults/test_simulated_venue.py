"""``VENUE=simulated``: a whole house trades through ccxt at its own exchange simulator, over a restart of either."""

import json
import urllib.request

import psutil
import pytest
from playwright.sync_api import expect

from tests.support.desk import chromium, new_desk
from tests.support.running_firm import RunningFirm


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    firm = RunningFirm(tmp_path_factory.mktemp("simulated"), VENUE="simulated", SPEED="20")
    try:
        firm.start()
        leave_the_books_to_us(firm)
        yield firm
    finally:
        firm.stop()


def leave_the_books_to_us(firm):
    """Stop the agents and sell what they bought: it may be as much as the limits allow, and no order would pass."""
    agents = firm.wait_for(lambda: firm.get("agents/")["results"], 60, "the agents to be there")
    for agent in agents:
        status, answer = firm.call("POST", f"agents/{agent['id']}/stop/", {"reason": "A test trades alone."})
        assert status < 300, answer
    firm.wait_for(lambda: account(firm).get("checked_at"), 150, "the executor to open the keys")
    firm.wait_for(lambda: nothing_held(firm), 90, "what the agents bought to be sold", pause=1)


def nothing_held(firm):
    """Whether nothing but dust is held; what is held is put up for sale, where that isn't done yet."""
    held = [position["instrument"].replace("/", "-") for position in firm.get("trading/positions/")["results"]]
    closing = {"reason": "A test trades alone."}
    answers = [firm.call("POST", f"trading/positions/{symbol}/close/", closing)[1] for symbol in held]
    return all(answer.get("code") in {"no_position", "position_is_dust"} for answer in answers)


def control(firm, name):
    _, port = json.loads((firm.home / "simulated" / "ports.json").read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/control/{name}", timeout=10) as answer:
        return json.load(answer)


def account(firm):
    """The simulator's account as the API shows it; empty until the house has opened it, after its web answers."""
    return next((row for row in firm.get("trading/accounts/")["results"] if row["name"] == "simulated"), {})


def buy(firm):
    """A small buy of our own, and what became of it."""
    order = {"instrument": "BTC/USDT", "side": "buy", "notional": "30", "reason": "test"}
    placed = {}

    def accepted():
        status, answer = firm.call("POST", "trading/orders/", order)
        if status != 201 or answer["state"] == "DENIED":
            raise OSError(f"{status}: {answer.get('reject_detail') or answer}")  # not yet; told when time is up
        placed.update(answer)
        return True

    firm.wait_for(accepted, 90, "the gate to let an order pass")
    ended = {"FILLED", "REJECTED", "CANCELED", "NOT_PLACED", "DENIED"}
    firm.wait_for(
        lambda: firm.get(f"trading/orders/{placed['id']}/")["state"] in ended, 60, f"{placed['id']} to come to an end"
    )
    return firm.get(f"trading/orders/{placed['id']}/")


def test_an_order_reaches_the_simulator_and_its_fills_the_books(firm):
    done = buy(firm)
    assert (done["account"], done["state"]) == ("simulated", "FILLED"), done
    sent = [order for order in control(firm, "books")["orders"] if str(order["id"]) == done["venue_order_id"]]
    assert len(sent) == 1
    assert (sent[0]["symbol"], sent[0]["filled"]) == ("BTC/USDT", str(done["filled_quantity"]))


@pytest.mark.browser
def test_a_fault_is_pressed_on_screen_and_its_recovery_watched(firm):
    with chromium() as browser:
        desk = new_desk(browser, firm)
        page = desk.open("/drills")
        desk.sign_in()
        page.get_by_role("button", name="Drill: Lost answer").click()
        asked = page.get_by_role("dialog")
        asked.get_by_label("Reason").fill("Shown to a test.")
        asked.get_by_role("button", name="Break it").click()
        expect(page.get_by_role("heading", name="Under way")).to_be_visible()
        expect(page.get_by_role("table", name="Drills")).to_contain_text("Nothing was lost")
        (run,) = firm.get("management/drills/")["results"]
        assert (run["scenario"], run["state"], run["reason"]) == ("T01", "passed", "Shown to a test.")
        for step in run["steps"]:
            expect(page.get_by_role("main")).to_contain_text(step["text"])
        assert desk.complaints == []


def test_it_goes_on_after_the_simulator_was_killed(firm):
    before = firm.wait_for(lambda: control(firm, "status"), 60, "the simulator to answer")["market_ms"]
    (exchange,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "workers.exchange_simulator" in (process.info["cmdline"] or ())
        and str(firm.home) in " ".join(process.info["cmdline"])
    ]
    exchange.kill()

    def led_on():
        try:
            return control(firm, "status")["market_ms"] > before
        except OSError:
            return False

    firm.wait_for(led_on, 120, "the simulator to be started again and led on")
    assert buy(firm)["state"] == "FILLED"
    assert [row for row in firm.get("trading/breaks/")["results"] if row["state"] == "OPEN"] == []


def test_its_keys_lie_sealed_and_private(firm):
    folder = firm.home / "simulated"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "accounts.json").stat().st_mode & 0o077 == 0
    secret = json.loads((folder / "accounts.json").read_text())[0]["secret"]
    logs = "".join(path.read_text(errors="replace") for path in (firm.home / "logs").glob("*.log"))
    assert secret not in logs
