"""A whole firm on the practice market, and a browser in front of it. Both end with the package's last test."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.desk import chromium, new_desk
from tests.support.running_firm import ROOT, RunningFirm


@pytest.fixture(scope="package")
def live_firm(tmp_path_factory):
    """``manage.py up`` with MARKET=simulated, a bar a second, until its agents have come to their first decision."""
    built = ROOT / "dashboard" / "dist" / "index.html"
    assert built.is_file(), "The dashboard is not built: run `make dashboard`."
    firm = RunningFirm(tmp_path_factory.mktemp("firm") / "home", SPEED="60").start()
    try:
        firm.wait_for(lambda: firm.get("trading/decisions/?limit=1")["results"], 240, "the first decision")
        yield firm
    finally:
        firm.stop()


@pytest.fixture(scope="package")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(browser, live_firm):
    """A browser window that has not signed in."""
    desk = new_desk(browser, live_firm)
    yield desk
    desk.page.context.close()


@pytest.fixture
def desk(visitor):
    """Signed in, on the overview; afterwards the console must have stayed silent."""
    visitor.open("/")
    visitor.sign_in()
    expect(visitor.part("equity")).to_have_text(re.compile(r"[\d,]+\.\d\d\s*USDT"))
    yield visitor
    assert visitor.complaints == []


@pytest.fixture
def phone(browser, live_firm):
    """Signed in on a screen of 390 by 844."""
    desk = new_desk(browser, live_firm, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk.open("/")
    desk.sign_in()
    expect(desk.part("equity")).to_have_text(re.compile(r"[\d,]+\.\d\d\s*USDT"))
    yield desk
    desk.page.context.close()
