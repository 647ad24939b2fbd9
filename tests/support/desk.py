"""A person's window on a firm: Chromium, signed in, and what the browser's console called an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.support.requirements import browser_path
from tests.support.running_firm import PASSWORD, RunningFirm

PATIENCE_MS = 60_000  # a loaded machine is slow; every wait ends as soon as what it waits for is there
SCREEN = {"width": 1440, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    path = browser_path()
    assert path is not None
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


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

    def part(self, name: str) -> Locator:
        """What the page marks as ``data-test``."""
        return self.page.locator(f"[data-test={name}]")

    def expect_state(self, word: str) -> None:
        expect(self.part("trading-state")).to_contain_text(word)


def new_desk(browser: Browser, firm: RunningFirm, **context: Any) -> Desk:
    """A window of its own; close it with ``desk.page.context.close()``."""
    expect.set_options(timeout=PATIENCE_MS)
    opened = browser.new_context(**{"viewport": SCREEN, "timezone_id": "Europe/Berlin", **context})
    return Desk(opened.new_page(), firm)
