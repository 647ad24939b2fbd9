"""Backtests over REST: asked for once, listed, looked at, canceled, read as a page and as CSV, live on the stream."""

import csv
import io
from html.parser import HTMLParser

import pytest

from apps.agents import queries
from apps.agents.models import BacktestRun
from tests.support.candle_columns import random_columns
from tests.support.staged_market import stage_market, store_columns
from tradinghq.websocket.channel_registry import find_channel
from workers.outbox_relay import RENDERERS
from workers.research_try import take_up_next

pytestmark = pytest.mark.django_db
PATH = "/api/v1/agents/backtests/"
WISH = {"strategies": [{"name": "breakout", "parameters": {"entry": 10}}], "instruments": ["BTC/USDT"], "seed": 3}


@pytest.fixture
def market(clean_redis):
    stage_market(history=0)
    store_columns(random_columns(300, seed=1, deviation=0.002))


@pytest.fixture
def trader(market, person):
    return person("trader")


def test_a_backtest_is_asked_for_run_and_read(trader):
    asked = trader.post(PATH, WISH)
    assert asked.status_code == 202
    line = asked.json()
    assert (line["state"], line["progress"], line["headline"]) == ("QUEUED", 0.0, None)
    assert line["wish"] | {"mode": "auto"} == {
        "strategies": [{"name": "breakout", "parameters": {"entry": 10}, "timeframe": None}],
        "seed": 3,
        "instruments": ["BTC/USDT"],
        "timeframe": "1m",
        "start": None,
        "end": None,
        "starting_capital": "1000",
        "fee": None,
        "slippage_bps": None,
        "mode": "auto",
        "limits": {},
        "resumes_daily": False,
    }
    one = f"{PATH}{line['id']}/"
    assert trader.get(f"{one}report/").json()["code"] == "not_done"
    assert take_up_next()
    view = trader.get(one.rstrip("/")).json()
    assert (view["state"], view["progress"], len(view["digest"])) == ("DONE", 1.0, 64)
    assert view["trade_count"] == len(view["trades"]) > 1
    assert view["headline"]["total_return"] == view["metrics"]["equity"]["total_return"]
    assert len(view["equity"]) == 301
    assert view["headline"]["cagr"] is None
    assert view["headline"]["cagr_untold"].startswith("A run of 0.2 days is not annualised: growth a year is told of")
    assert view["metrics"]["untold"]["cagr"] == view["headline"]["cagr_untold"]
    assert view["metrics"]["untold"]["calmar"].startswith("A run of 0.2 days has no Calmar ratio")
    (row,) = trader.get(PATH, {"state": "DONE"}).json()["results"]
    assert row == {name: view[name] for name in row}
    rows = list(csv.DictReader(io.StringIO(trader.get(f"{one}trades/", {"format": "csv"}).content.decode())))
    assert [each["profit"] for each in rows] == [trade["profit"] for trade in view["trades"]]
    page = trader.get(f"{one}report/")
    assert page["Content-Type"] == "text/html; charset=utf-8"
    tags = _Tags()
    tags.feed(page.content.decode())
    assert tags.open == []
    assert {"svg", "table"} <= tags.seen
    assert not {"script", "link", "img", "iframe"} & tags.seen
    assert view["digest"] in page.content.decode()


class _Tags(HTMLParser):
    """Which tags were seen, and which were never closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)


def test_the_same_key_asks_once(trader):
    first = trader.post(PATH, WISH, idempotency_key="one")
    again = trader.post(PATH, WISH, idempotency_key="one")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert BacktestRun.objects.count() == 1


def test_a_viewer_looks_and_asks_nothing(market, person):
    viewer = person("viewer")
    assert viewer.post(PATH, WISH).status_code == 403
    choices = viewer.get(f"{PATH}choices/").json()
    assert choices["candles"] == [
        {
            "instrument": "BTC/USDT",
            "timeframe": "1m",
            "first": "2024-01-01T00:00:00Z",
            "last": "2024-01-01T04:59:00Z",
        }
    ]
    assert "momentum" in choices["strategies"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategies": "breakout"}, "strategies"),
        ({"strategies": [{"name": "astrology"}]}, "strategies.0.name"),
        ({"fee": 0.001}, "fee"),
        ({"starting_capital": "0"}, "starting_capital"),
        ({"start": "2024-01-01"}, "start"),
        ({"mode": "fast"}, "mode"),
        ({"sed": 1}, "sed"),
    ],
)
def test_what_can_not_be_run_is_a_problem_that_names_the_field(trader, change, field):
    answer = trader.post(PATH, WISH | change)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not BacktestRun.objects.exists()


def test_a_waiting_one_is_canceled_once(trader):
    one = f"{PATH}{trader.post(PATH, WISH).json()['id']}/"
    assert trader.post(f"{one}cancel/").json()["state"] == "CANCELED"
    again = trader.post(f"{one}cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
    assert not take_up_next()
    assert trader.get(f"{PATH}01a22165-0000-7000-8000-000000000000/").json()["code"] == "unknown_backtest"


def test_the_stream_shows_what_the_list_shows(trader):
    line = trader.post(PATH, WISH).json()
    assert find_channel("backtests").snapshot(None) == [line]
    channel, render = RENDERERS["backtest.changed"]
    assert (channel, render({"run_id": line["id"]}, None)) == ("backtests", line)
    assert queries.backtest_line_of(line["id"]) == line
