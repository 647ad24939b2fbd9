"""A disk without room: nothing is recorded, so nothing is traded; the house stays and goes on once there is room."""

import json
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

from tests.support.requirements import skip_or_fail
from tests.support.running_firm import RunningFirm

SIZE = "300m"  # an empty house takes 70 MiB
ORDER = {"instrument": "BTC/USDT", "side": "buy", "notional": "20", "reason": "test"}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, as only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        skip_or_fail("mount", f"No disk can be made here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(filler):
    """Take all the room that is left. What is freed while the house runs is taken too by whoever calls again."""
    with suppress(OSError), filler.open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(64 * 1024))
    with suppress(OSError), filler.open("ab", buffering=0) as stream:
        while True:
            stream.write(b"x")


def not_ready(firm):
    """What /readyz finds wanting, by name, with its sentence."""
    try:
        with urllib.request.urlopen(f"{firm.url}/readyz", timeout=20) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as refusal:
        body = json.load(refusal)
    return {part["part"]: part["detail"] for part in body["parts"] if not part["ok"]}


def newest_decision(firm):
    return firm.get("trading/decisions/")["results"][0]["closed_at"]


def test_a_full_disk_stops_trading_and_nothing_else(small_disk):
    firm = RunningFirm(small_disk / "house", SPEED="60").start()
    filler = small_disk / "filler"
    try:
        firm.wait_for(lambda: firm.get("trading/decisions/")["results"], 90, "a decision")
        fill(filler)

        def refused():
            fill(filler)
            return firm.call("POST", "trading/orders/", ORDER)[0] == 503

        firm.wait_for(refused, 60, "an order to be refused")
        assert "make room" in not_ready(firm)["disk"]
        assert firm.process.poll() is None

        filler.unlink()
        firm.wait_for(lambda: not not_ready(firm), 120, "the house to be ready again")
        bar = newest_decision(firm)
        firm.wait_for(lambda: newest_decision(firm) > bar, 60, "the market to go on")
        firm.wait_for(lambda: firm.call("POST", "trading/orders/", ORDER)[0] == 201, 60, "an order to be taken")
        for verifier in ("verify_books", "verify_audit"):
            done = firm.manage(verifier)
            assert done.returncode == 0, done.stdout + done.stderr
        assert "supervisor was killed" not in firm.console()
    finally:
        filler.unlink(missing_ok=True)
        firm.stop()
