"""What a person sees without doing anything: the firm lives, and each decision can be opened to its last posting."""

import re

import psutil
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGES = (
    *("/", "/markets", "/orders", "/agents", "/decisions", "/risk"),
    *("/accounts", "/breaks", "/fleet", "/drills", "/audit", "/settings"),
    *("/research", "/research/searches"),
)


def test_a_stranger_is_led_to_the_sign_in_and_back(visitor):
    page = visitor.open("/risk")
    expect(page).to_have_url(re.compile(r"/login\?next=/risk$"))
    visitor.sign_in("not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/login"))
    visitor.sign_in()
    for _ in range(2):
        expect(page.get_by_role("heading", name="Risk", exact=True)).to_be_visible()
        expect(page).to_have_url(f"{visitor.firm.url}/risk")
        page.reload()


def test_the_overview_shows_money_the_market_and_its_prices(desk):
    page = desk.page
    expect(desk.part("mode")).to_have_text("SIMULATED MARKET")
    desk.expect_state("Active")
    expect(desk.part("connection")).to_have_text("Connected")
    expect(desk.part("data-age")).to_contain_text(re.compile(r"\d+ (s|min)"))
    for source in ("simulated-a", "simulated-b"):
        expect(page.get_by_label("Sources").get_by_text(source)).to_be_visible()
    page.get_by_role("link", name="Markets").click()
    price = page.get_by_label("Watch list").locator("li", has_text="BTC/USDT").locator(".figure")
    expect(price).to_have_text(re.compile(r"^[\d,]+\.\d+$"))
    first = price.inner_text()
    expect(price).not_to_have_text(first)  # the market moves, and the screen with it


def test_equity_on_screen_is_the_equity_of_the_books(desk):
    def agree():
        told = desk.firm.get("trading/portfolio/")["equity"]
        shown = desk.part("equity").locator(".figure").inner_text().replace(",", "")
        return abs(float(told) - float(shown)) <= 0.02 * float(told)

    desk.firm.wait_for(agree, 30, "the equity on screen to follow the books")


def test_a_decision_opens_its_whole_chain(desk):
    page = desk.page
    newest = desk.part("now").locator("a[href*='/decisions/']").first
    expect(newest).to_contain_text(re.compile(r"[A-Z]+/USDT: \S+"))
    newest.click()
    expect(page).to_have_url(re.compile(r"/decisions/[0-9a-f-]{36}"))
    shown = desk.part("decision")
    for step in ("Votes", "Consensus", "Sizing", "Risk gate", "Order"):
        expect(shown.get_by_role("heading", name=step)).to_be_visible()
    told = desk.firm.get(f"trading/decisions/{page.url.split('/')[-1].split('?')[0]}/")
    rows = shown.get_by_role("table", name="Votes").locator("tbody tr")
    expect(rows).to_have_count(len(told["votes"]))
    headline = re.sub(r"(?<![\w.-])-(?=\d)", "\N{MINUS SIGN}", told["headline"])  # as a person reads it
    expect(shown.locator("h2")).to_have_text(re.compile(re.escape(headline), re.IGNORECASE))


def test_a_minute_can_be_explained(desk):
    page = desk.page
    decided = desk.firm.get("trading/decisions/?limit=1")["results"][0]
    desk.open(f"/decisions?instrument={decided['instrument']}&at={decided['closed_at']}")
    expect(desk.part("decision")).to_have_count(1)
    expect(page.get_by_role("heading", name=f"{decided['instrument']} at")).to_be_visible()


def test_every_page_opens_without_an_error(desk):
    for path in PAGES:
        page = desk.open(path)
        expect(page.locator("main h1").first).to_be_attached()
        expect(desk.part("connection")).to_have_text("Connected")
        expect(page.locator("main [role=alert]")).to_have_count(0)
    desk.open("/nowhere/at-all")
    expect(desk.page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_the_audit_record_verifies_on_screen(desk):
    desk.open("/audit")
    desk.page.get_by_role("button", name="Verify the record").click()
    expect(desk.part("audit-report")).to_contain_text("The record is whole")


def test_a_phone_never_scrolls_sideways(phone):
    decided = phone.firm.get("trading/decisions/?limit=1")["results"][0]["id"]
    wide = {}
    for path in (*PAGES, "/orders?ticket=open", f"/decisions/{decided}"):
        page = phone.open(path)
        expect(page.locator("main h1").first).to_be_attached()
        expect(phone.part("connection")).to_have_text("Connected")
        width = page.evaluate("document.documentElement.scrollWidth")
        inner = page.evaluate("(main => main.scrollWidth - main.clientWidth)(document.querySelector('main'))")
        if (width, inner) != (390, 0):
            wide[path] = (width, inner)
        expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Orders")).to_be_in_viewport()
    assert wide == {}


def test_the_screen_comes_back_when_the_web_process_is_killed(visitor):
    visitor.open("/")
    visitor.sign_in()
    expect(visitor.part("connection")).to_have_text("Connected")
    web = [
        process
        for process in psutil.Process(visitor.firm.process.pid).children(recursive=True)
        if any("tradinghq.asgi" in word for word in process.cmdline())
    ]
    assert web
    for process in web:
        process.kill()
    expect(visitor.part("connection")).to_have_text(re.compile("Reconnecting|Connecting"))
    expect(visitor.part("connection")).to_have_text("Connected")
    firm_time = visitor.page.locator(".clock span").last
    before = firm_time.inner_text()
    expect(firm_time).not_to_have_text(before)


def test_the_theme_is_chosen_and_kept(desk):
    page = desk.open("/settings")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("radio", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(ground) != dark
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_an_address_that_names_nothing_says_so_and_leads_to_the_list(desk):
    for path, what, everything in (
        ("/agents/promotions", "agent", "agents"),
        ("/research/choices", "backtest", "backtests"),
        ("/research/searches/foo", "search", "searches"),
        ("/decisions/foo", "decision", "decisions"),
        ("/orders/foo", "order", "orders"),
    ):
        page = desk.open(path)
        expect(desk.part("no-such-thing")).to_contain_text(f"There is no such {what}.")
        desk.part("no-such-thing").get_by_role("link", name=f"All {everything}").click()
        expect(page).to_have_url(f"{desk.firm.url}{path.rpartition('/')[0]}")
        expect(desk.part("no-such-thing")).to_have_count(0)
