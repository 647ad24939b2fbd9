"""Fetching past candles on a live market: a firm that takes its prices from a server which answers as exchanges do."""

import json
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.foundation.clock import wall_now
from tests.support.desk import new_desk
from tests.support.recorded_exchange import RecordedExchange, ccxt_urls
from tests.support.running_firm import RunningFirm

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def live_market(tmp_path_factory):
    """``manage.py up`` with MARKET=live until an exchange has quoted; it ends before the package's own firm starts."""
    with RecordedExchange().serving() as address:
        home, urls = tmp_path_factory.mktemp("live") / "home", json.dumps(ccxt_urls(address))
        firm = RunningFirm(home, MARKET="live", INSTRUMENTS="BTC/USDT", HQ_CCXT_URLS=urls).start()
        try:
            firm.wait_for(lambda: firm.get("market/instruments/")["results"][0]["sources"], 60, "the first quote")
            yield firm
        finally:
            firm.stop()


@pytest.fixture
def desk(browser, live_market):
    opened = new_desk(browser, live_market)
    opened.open("/research")
    opened.sign_in()
    yield opened
    opened.page.context.close()


def test_candles_are_fetched_by_the_form_and_tested_on(desk):
    page, today = desk.page, wall_now().date()

    def day(ago):
        return (today - timedelta(days=ago)).isoformat()

    reads = []
    page.on("request", lambda sent: "market/backfills" in sent.url and sent.method == "GET" and reads.append(sent.url))
    page.get_by_role("button", name="Fetch candles").click()
    form = desk.part("fetch-candles")
    first, last = form.locator("[name=fetch-first]"), form.locator("[name=fetch-last]")
    timeframe, fetch = form.locator("[name=fetch-timeframe]"), form.get_by_role("button", name="Fetch", exact=True)
    expect(form.get_by_role("checkbox", name="BTC/USDT")).to_be_checked()

    first.fill(day(29))
    last.fill(day(40))
    expect(desk.part("fetch-complaint")).to_have_text("The first day must not lie after the last one.")
    expect(first).to_have_attribute("aria-invalid", "true")
    expect(fetch).to_be_disabled()

    timeframe.select_option("1h")
    first.fill(day(40))
    last.fill(day(29))
    expect(form.get_by_text("288 candles of each instrument at most.")).to_be_visible()
    fetch.click()
    asked = desk.part("backfill").filter(has_text=f"{day(40)} to {day(29)}, by admin")
    expect(asked).to_contain_text("BTC/USDT 1h")
    expect(asked).to_contain_text("288 of 288 candles, done")

    timeframe.select_option("1m")
    first.fill(day(11))
    last.fill(day(2))
    fetch.click()
    long = desk.part("backfill").filter(has_text=f"{day(11)} to {day(2)}, by admin")
    expect(long.get_by_role("progressbar", name="Progress of BTC/USDT 1m")).to_be_visible()
    expect(long).to_contain_text(re.compile(r"[1-9][\d,]* of 14,400 candles, \d+ %"))
    fetch.click()
    expect(desk.part("fetch-problem")).to_have_text("BTC/USDT: The same backfill is already under way.")
    assert len(reads) == 1, "how far it is was told, not asked for"
    assert [("409" in each) for each in desk.complaints] == [True]  # the browser's word for the refusal

    form.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="New backtest").click()
    wanted = desk.part("backtest-form")
    wanted.locator("select[name=timeframe]").select_option("1h")
    expect(desk.part("stored-candles")).to_contain_text(f"Candles are stored from {day(40)} 00:00 to")
