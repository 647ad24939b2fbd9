"""A whole firm on the practice market, and a browser in front of it. Both end with the package's last test."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.requirements import browser_path
from tests.support.running_firm import PASSWORD, ROOT, RunningFirm

PATIENCE_MS = 60_000  # a loaded machine is slow; every wait below ends as soon as what it waits for is there
DESK = {"width": 1440, "height": 900}


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
    path = browser_path()
    assert path is not None
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


class Desk:
    """One person's window on the firm. ``complaints``: what the browser's console called an error."""

    def __init__(self, page: Page, firm: RunningFirm) -> None:
        self.page = page
        self.firm = firm
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str = "/") -> Page:
        self.page.goto(f"{self.firm.url}{path}")
        return self.page

    def sign_in(self, password: str = PASSWORD) -> None:
        self.page.get_by_label("User name").fill("admin")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def part(self, name: str):
        """What the page marks as ``data-test``."""
        return self.page.locator(f"[data-test={name}]")

    def expect_state(self, word: str) -> None:
        expect(self.part("trading-state")).to_contain_text(word)


def new_desk(browser: Browser, firm: RunningFirm, **context) -> Desk:
    opened = browser.new_context(**{"viewport": DESK, "timezone_id": "Europe/Berlin", **context})
    return Desk(opened.new_page(), firm)


@pytest.fixture
def visitor(browser, live_firm):
    """A browser window that has not signed in."""
    expect.set_options(timeout=PATIENCE_MS)
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
    expect.set_options(timeout=PATIENCE_MS)
    desk = new_desk(browser, live_firm, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk.open("/")
    desk.sign_in()
    expect(desk.part("equity")).to_have_text(re.compile(r"[\d,]+\.\d\d\s*USDT"))
    yield desk
    desk.page.context.close()
