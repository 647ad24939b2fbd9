"""The market's endpoints: what they show, who may do what, and what they say to odd requests."""

import csv
import io

import orjson
import pytest

from apps.foundation.clock import wall_now
from apps.foundation.models import AuditEntry
from apps.market import operations, queries
from apps.market.api import answer_shapes as shapes
from apps.market.domain import timeframes
from apps.market.models import CandleGap, Instrument, MarketClock
from tradinghq.websocket.channel_registry import find_channel

pytestmark = pytest.mark.django_db
BASE = "/api/v1/market"


@pytest.fixture(autouse=True)
def market(settings, clean_redis):
    settings.MARKET, settings.SIMULATED_SEED, settings.INSTRUMENTS = "simulated", 7, ["BTC/USDT", "ETH/USDT"]
    operations.start_market(moment=queries.current_moment(wall_now()))
    for _ in range(3):
        operations.release_next_bar(moment=queries.current_moment())


@pytest.fixture
def viewer(person):
    return person("viewer")


PATHS = (
    "instruments",
    "quotes",
    "candles?instrument=BTC/USDT",
    "orderbook?instrument=BTC/USDT",
    "providers",
    "gaps",
    "notices",
    "backfills",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_list_is_there_for_a_viewer_with_and_without_the_slash(viewer, path):
    route, _, query = path.partition("?")
    for form in (f"{BASE}/{route}/?{query}", f"{BASE}/{route}?{query}"):
        answer = viewer.get(form)
        assert answer.status_code == 200, answer.content
        assert "as_of" in answer.json() if route == "orderbook" else "results" in answer.json()


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_without_signing_in(stranger, path):
    assert stranger.get(f"{BASE}/{path}").status_code == 401


def test_instruments_show_rules_as_strings(viewer):
    first = viewer.get(f"{BASE}/instruments/").json()["results"][0]
    assert first["instrument"] == "BTC/USDT"
    assert (first["tick_size"], first["step_size"], first["min_notional"]) == ("0.1", "0.00001", "5")
    assert (first["paused"], first["assumed"], first["sources"]) == (False, [], ["simulated-a", "simulated-b"])


def test_quotes_carry_source_time_market_and_the_mark_with_its_reason(viewer):
    answer = viewer.get(f"{BASE}/quotes/", {"instrument": "ETH/USDT"}).json()["results"]
    assert [row["instrument"] for row in answer] == ["ETH/USDT"]
    assert answer[0]["mark"]["reason"].startswith("Median of")
    assert {quote["market"] for quote in answer[0]["quotes"]} == {"simulated"}
    assert answer[0]["mark"]["as_of"] == queries.market_clock().bar_at.isoformat().replace("+00:00", "Z")


def test_candles_are_the_newest_first_and_of_the_leading_source(viewer):
    rows = viewer.get(f"{BASE}/candles/", {"instrument": "BTC/USDT", "limit": 5}).json()["results"]
    assert [row["close_at"] for row in rows] == sorted((row["close_at"] for row in rows), reverse=True)
    assert rows[0]["close_at"] == queries.market_clock().bar_at.isoformat().replace("+00:00", "Z")
    assert {(row["source"], row["timeframe"]) for row in rows} == {("simulated-a", "1m")}


def test_candles_are_cut_to_a_span_and_turned_round(viewer):
    wanted = {
        "instrument": "BTC/USDT",
        "timeframe": "5m",
        "start": "2026-01-01T01:00:00Z",
        "end": "2026-01-01T02:00:00Z",
    }
    rows = viewer.get(f"{BASE}/candles/", wanted | {"ordering": "open_at"}).json()["results"]
    assert [row["open_at"] for row in rows][:2] == ["2026-01-01T01:00:00Z", "2026-01-01T01:05:00Z"]
    assert len(rows) == 12


def test_pages_of_candles_join_without_a_gap(viewer):
    first = viewer.get(f"{BASE}/candles/", {"instrument": "BTC/USDT", "limit": 7}).json()
    second = viewer.get(first["next"].partition("testserver")[2]).json()
    opens = [row["open_at"] for row in first["results"] + second["results"]]
    assert len(opens) == 14
    whole = viewer.get(f"{BASE}/candles/", {"instrument": "BTC/USDT", "limit": 14}).json()["results"]
    assert opens == [row["open_at"] for row in whole]


def test_candles_leave_as_csv(viewer):
    answer = viewer.get(f"{BASE}/candles/", {"instrument": "BTC/USDT", "format": "csv", "timeframe": "1h"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 8
    assert rows[0]["timeframe"] == "1h"


def test_a_book_that_nobody_recorded_says_so(viewer):
    book = viewer.get(f"{BASE}/orderbook/", {"instrument": "BTC/USDT"}).json()
    assert "No depth is known." in book["assumption"]
    assert book["bids"][0][1] is None
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])


def test_providers_name_the_leading_one(viewer):
    rows = viewer.get(f"{BASE}/providers/").json()["results"]
    assert [(row["name"], row["primary"], row["state"]) for row in rows] == [
        ("simulated-a", True, "healthy"),
        ("simulated-b", False, "healthy"),
    ]


def test_gaps_are_filtered_by_source(viewer):
    rows = viewer.get(f"{BASE}/gaps/", {"source": "simulated-b"}).json()["results"]
    assert len(rows) == CandleGap.objects.filter(source="simulated-b").count() > 0
    assert viewer.get(f"{BASE}/gaps/", {"state": "filled"}).json()["results"] == []


@pytest.mark.parametrize(
    ("path", "query", "status", "field"),
    [
        ("candles", {}, 400, "instrument"),
        ("candles", {"instrument": "XRP/USDT"}, 404, None),
        ("candles", {"instrument": "BTC/USDT", "timeframe": "7m"}, 400, "timeframe"),
        ("candles", {"instrument": "BTC/USDT", "start": "yesterday"}, 400, "start"),
        ("candles", {"instrument": "BTC/USDT", "limit": "0"}, 400, None),
        ("candles", {"instrument": "BTC/USDT", "cursor": "forged"}, 400, None),
        ("candles", {"instrument": "BTC/USDT", "ordering": "volume"}, 400, None),
        ("candles", {"instrument": "BTC/USDT", "colour": "red"}, 400, None),
        ("orderbook", {}, 400, "instrument"),
        ("orderbook", {"instrument": "BTC/USDT", "depth": "-1"}, 400, "depth"),
        ("orderbook", {"instrument": "XRP/USDT"}, 404, None),
        ("quotes", {"instrument": "btcusdt"}, 400, "instrument"),
        ("quotes", {"instrument": "XRP/USDT"}, 404, None),
        ("gaps", {"state": "lost"}, 400, "state"),
    ],
)
def test_an_odd_question_gets_a_problem_with_a_code(viewer, path, query, status, field):
    answer = viewer.get(f"{BASE}/{path}/", query)
    problem = answer.json()
    assert (answer.status_code, answer["content-type"]) == (status, "application/problem+json"), problem
    assert problem["code"]
    if field is not None:
        assert field in {error["field"] for error in problem["errors"]}, problem


def test_a_person_with_role_risk_pauses_and_lifts_with_a_reason_on_record(person):
    risk = person("risk")
    paused = risk.post(f"{BASE}/instruments/BTC-USDT/pause/", {"reason": "Odd prints"})
    assert paused.status_code == 200, paused.content
    assert (paused.json()["paused"], paused.json()["paused_reason"], paused.json()["paused_by"]) == (
        True,
        "Odd prints",
        risk.username,
    )
    assert queries.paused_reasons(["BTC/USDT", "ETH/USDT"]) == {"BTC/USDT": "Odd prints"}
    assert risk.post(f"{BASE}/instruments/BTC-USDT/pause", {"reason": "Again"}).status_code == 409
    assert risk.post(f"{BASE}/instruments/BTC-USDT/unpause/", {"reason": "All clear"}).json()["paused"] is False
    assert queries.paused_reasons(["BTC/USDT"]) == {}
    noted = AuditEntry.objects.filter(subject="BTC/USDT").order_by("id")
    assert [(entry.action, entry.actor, orjson.loads(entry.payload)["reason"]) for entry in noted] == [
        ("instrument.paused", risk.username, "Odd prints"),
        ("instrument.unpaused", risk.username, "All clear"),
    ]


@pytest.mark.parametrize("role", ["viewer", "trader"])
def test_others_may_not_pause(person, role):
    answer = person(role).post(f"{BASE}/instruments/BTC-USDT/pause/", {"reason": "I can"})
    assert answer.status_code == 403
    assert not Instrument.objects.filter(paused_reason__isnull=False).exists()


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "   "}, {"reason": "x" * 501}, {"reason": "a", "why": "b"}]
)
def test_a_pause_without_a_fit_reason_changes_nothing(person, body):
    answer = person("risk").post(f"{BASE}/instruments/BTC-USDT/pause/", body)
    assert answer.status_code == 400
    assert queries.paused_reasons(["BTC/USDT"]) == {}


def test_an_unknown_instrument_cannot_be_paused(person):
    answer = person("risk").post(f"{BASE}/instruments/XRP-USDT/pause/", {"reason": "Never heard of it"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_instrument")


def test_a_lock_step_market_is_not_backfilled(person):
    wanted = {
        "instrument": "BTC/USDT",
        "timeframe": "1m",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-02T00:00:00Z",
    }
    answer = person("trader").post(f"{BASE}/backfills/", wanted)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_live")
    assert person("viewer").post(f"{BASE}/backfills/", wanted).status_code == 403


def test_a_live_market_takes_a_backfill_and_shows_how_far_it_is(person):
    MarketClock.objects.update(kind="live")
    wanted = {
        "instrument": "BTC/USDT",
        "timeframe": "5m",
        "start": "2025-01-01T00:00:00Z",
        "end": "2025-01-02T00:00:00Z",
    }
    trader = person("trader")
    answer = trader.post(f"{BASE}/backfills/", wanted)
    assert answer.status_code == 202, answer.content
    planned = answer.json()
    assert set(planned) == set(shapes.BackfillShape().fields)
    assert (planned["wanted"], planned["stored"], planned["progress"], planned["state"]) == (288, 0, 0.0, "queued")
    assert planned["requested_by"] == trader.username
    assert person("viewer").get(f"{BASE}/backfills/").json()["results"] == [planned]
    assert find_channel("backfills").snapshot(None) == [planned]
    again = trader.post(f"{BASE}/backfills/", wanted)
    assert (again.status_code, again.json()["code"]) == (409, "backfill_running")


def test_every_view_has_exactly_the_documented_fields(viewer):
    for path, shape in (
        ("instruments", shapes.InstrumentShape),
        ("quotes", shapes.QuoteSnapshotShape),
        ("candles", shapes.CandleShape),
        ("providers", shapes.ProviderShape),
        ("gaps", shapes.GapShape),
    ):
        query = {"instrument": "BTC/USDT"} if path == "candles" else None
        row = viewer.get(f"{BASE}/{path}/", query).json()["results"][0]
        assert set(row) == set(shape().fields), path
    book = viewer.get(f"{BASE}/orderbook/", {"instrument": "BTC/USDT"}).json()
    assert set(book) == set(shapes.OrderbookShape().fields)


@pytest.mark.parametrize(
    "model",
    ["instrument", "storedcandle", "marketclock", "provider", "candlegap", "backfill", "datanotice", "tradingsession"],
)
def test_the_admin_shows_every_table(admin_client, model):
    assert admin_client.get(f"/admin/market/{model}/").status_code == 200


def test_the_admin_pauses_through_the_operation(admin_client, admin_user):
    chosen = {"action": "pause_instruments", "_selected_action": ["ETH/USDT"]}
    assert admin_client.post("/admin/market/instrument/", chosen, follow=True).status_code == 200
    assert queries.paused_reasons(["BTC/USDT", "ETH/USDT"]) == {"ETH/USDT": "By hand in the admin."}
    assert AuditEntry.objects.get(subject="ETH/USDT").actor == admin_user.username


def test_stored_timeframes_follow_the_base(viewer):
    for timeframe in timeframes.stored_from("1m"):
        answer = viewer.get(f"{BASE}/candles/", {"instrument": "BTC/USDT", "timeframe": timeframe})
        assert answer.status_code == 200
