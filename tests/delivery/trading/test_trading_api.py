"""The trading room over REST: the promised fields, both slash forms, roles, and every bad input of an order."""

from decimal import Decimal
from uuid import uuid4

import pytest

from apps.trading.models import LedgerAccount, Order, RiskLimits
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/trading/orders/"
GOOD = {"instrument": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.004"}


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def trader(desk, person):
    return person("trader")


def problem(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code, body
    assert "Traceback" not in answer.content.decode()
    return body


def test_an_order_is_placed_listed_shown_and_cancelled(desk, trader):
    answer = trader.post(ORDERS, GOOD | {"type": "limit", "limit_price": "40000", "reason": "cheap"})
    assert answer.status_code == 201, answer.content
    placed = answer.json()
    assert (placed["state"], placed["actor"], placed["origin"], placed["reason"]) == (
        "APPROVED",
        trader.username,
        "manual",
        "cheap",
    )
    assert {"id", "client_order_id", "verdicts", "fills", "transitions"} <= set(placed)
    assert set(placed["verdicts"][0]) == {"rule", "allowed", "code", "detail", "inputs"}
    for form in (f"{ORDERS}{placed['id']}/", f"{ORDERS}{placed['id']}"):
        assert trader.get(form).json() == placed
    page = trader.get(ORDERS, {"instrument": "BTC/USDT", "state": "APPROVED", "open": "true"}).json()
    assert [row["id"] for row in page["results"]] == [placed["id"]]
    assert trader.get(ORDERS, {"open": "false"}).json()["results"] == []
    cancelled = trader.post(f"{ORDERS}{placed['id']}/cancel/", {"reason": "no"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "CANCELED")
    problem(trader.post(f"{ORDERS}{placed['id']}/cancel/"), 409, "order_finished")


@pytest.mark.parametrize(
    ("name", "chosen", "told"),
    [
        ("origin", "agent", "agent is none of manual, consensus, guard, flatten."),
        ("side", "long", "long is none of buy, sell."),
        ("state", "100%", "100% is none of PROPOSED,"),  # several may be chosen
    ],
)
def test_a_filter_says_what_could_be_chosen(trader, name, chosen, told):
    answer = trader.get(ORDERS, {name: chosen})
    assert answer.status_code == 400
    assert told in answer.content.decode()


def test_a_denial_is_an_answer(desk, trader):
    answer = trader.post(ORDERS, GOOD | {"quantity": None, "notional": "2"})
    assert answer.status_code == 201
    denied = answer.json()
    assert (denied["state"], denied["reject_code"]) == ("DENIED", "below_min_notional")
    assert denied["reject_detail"] == "The order is worth 2.00; the instrument takes no order below 5."
    assert [verdict["rule"] for verdict in denied["verdicts"] if not verdict["allowed"]] == ["min_notional"]


BAD = [
    ({"instrument": None}, "instrument"),
    ({"instrument": "bitcoin"}, "instrument"),
    ({"instrument": "BTC-USDT"}, "instrument"),
    ({"instrument": 7}, "instrument"),
    ({"side": "short"}, "side"),
    ({"side": None}, "side"),
    ({"type": "magic"}, "type"),
    ({"quantity": 0.1}, "quantity"),
    ({"quantity": "NaN"}, "quantity"),
    ({"quantity": "Infinity"}, "quantity"),
    ({"quantity": "1e3"}, "quantity"),
    ({"quantity": "-0.1"}, "quantity"),
    ({"quantity": "0"}, "quantity"),
    ({"quantity": ""}, "quantity"),
    ({"quantity": True}, "quantity"),
    ({"quantity": []}, "quantity"),
    ({"quantity": "1" * 30}, "quantity"),
    ({"quantity": "0." + "0" * 18 + "1"}, "quantity"),
    ({"quantity": "1" * 5000}, "quantity"),
    ({"limit_price": 50000.5, "type": "limit"}, "limit_price"),
    ({"stop_price": "x", "type": "stop"}, "stop_price"),
    ({"time_in_force": "DAY"}, "time_in_force"),
    ({"reduce_only": "perhaps"}, "reduce_only"),
    ({"expires_at": "tomorrow", "time_in_force": "GTD"}, "expires_at"),
    ({"expires_at": "2026-03-02T12:00:00", "time_in_force": "GTD"}, "expires_at"),
    ({"reason": "x" * 501}, "reason"),
    ({"reason": {"a": 1}}, "reason"),
    ({"reduceonly": True}, "reduceonly"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{field}-{i}" for i, (_, field) in enumerate(BAD)])
def test_a_bad_field_is_named_and_nothing_changes(desk, trader, change, field):
    body = problem(trader.post(ORDERS, GOOD | change), 400, "validation_failed")
    assert [error["field"] for error in body["errors"]] == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("change", "answer", "field"),
    [
        ({"instrument": "DOGE/USDT"}, (404, "unknown_instrument"), "instrument"),
        ({"type": "trailing_stop"}, (400, "required"), "trail_pct"),
        ({"quantity": None}, (400, "required"), "quantity"),
        ({"notional": "10"}, (400, "ambiguous"), "quantity"),
        ({"type": "limit"}, (400, "required"), "limit_price"),
        ({"type": "stop"}, (400, "required"), "stop_price"),
        ({"limit_price": "50000"}, (400, "not_applicable"), "limit_price"),
        ({"trail_pct": "1"}, (400, "not_applicable"), "trail_pct"),
        ({"quantity": "9" * 18}, (400, "too_large"), "quantity"),
        ({"reduce_only": True}, (400, "invalid"), "reduce_only"),
        ({"time_in_force": "GTD"}, (400, "required"), "expires_at"),
        ({"post_only": True}, (400, "not_applicable"), "post_only"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_own_code(desk, trader, change, answer, field):
    body = problem(trader.post(ORDERS, GOOD | change), *answer)
    assert [error["field"] for error in body["errors"]] == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "body", ["[]", '"order"', "{", "", "null", '{"quantity": NaN}', '{"side":"buy","side":"sell"}']
)
def test_a_body_that_is_no_order_is_refused(desk, trader, body):
    answer = trader.client.post(
        ORDERS, data=body, content_type="application/json", headers={"authorization": f"Bearer {trader.access}"}
    )
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()


def test_foreign_ids_are_not_found(desk, trader):
    problem(trader.get(f"{ORDERS}{uuid4()}/"), 404, "unknown_order")
    problem(trader.post(f"{ORDERS}{uuid4()}/cancel/"), 404, "unknown_order")
    assert trader.get(f"{ORDERS}not-an-id/").status_code == 404
    problem(trader.post("/api/v1/trading/positions/DOGE-USDT/close/"), 404, "unknown_instrument")
    problem(trader.post("/api/v1/trading/positions/BTC-USDT/close/"), 409, "no_position")


def test_a_position_is_closed_and_everything_can_be_read(desk, trader):
    desk.buy()
    [position] = trader.get("/api/v1/trading/positions/").json()["results"]
    assert position["instrument"] == "BTC/USDT"
    portfolio = trader.get("/api/v1/trading/portfolio").json()
    assert portfolio["positions"] == [position]
    assert Decimal(portfolio["equity"]) < 1000
    assert portfolio["trading_state"] == "ACTIVE"
    [fill] = trader.get("/api/v1/trading/fills/", {"instrument": "BTC/USDT"}).json()["results"]
    assert fill["quantity"] == "0.004"
    closed = trader.post("/api/v1/trading/positions/BTC-USDT/close/", {"reason": "enough"})
    assert (closed.status_code, closed.json()["state"], closed.json()["reduce_only"]) == (201, "APPROVED", True)
    ledger = trader.get("/api/v1/trading/ledger/", {"cause": "deposit"}).json()["results"]
    assert [(p["asset"], p["kind"], p["amount"]) for p in ledger[0]["postings"]] in (
        [("USDT", "external", "-1000"), ("USDT", "available", "1000")],
        [("USDT", "available", "1000"), ("USDT", "external", "-1000")],
    )
    [account] = trader.get("/api/v1/trading/accounts/").json()["results"]
    shown = {(row["asset"], row["kind"]): Decimal(row["balance"]) for row in account["balances"]}
    assert shown == {(a.asset, a.kind): a.balance for a in LedgerAccount.objects.all()}
    points = trader.get("/api/v1/trading/equity/").json()["results"]
    assert points[0]["equity"] == portfolio["equity"]
    assert points[0]["at"] > points[-1]["at"]


def test_limits_are_changed_by_role_risk_only_and_with_a_reason(desk, person):
    trader, risk = person("trader"), person("risk")
    url = "/api/v1/trading/risk/limits/"
    shown = trader.get(url).json()
    assert (shown["version"], shown["max_position_share"]) == (1, "0.25")
    assert {limit["name"] for limit in shown["limits"]} <= set(shown)
    change = {"max_position_share": "0.20", "max_open_orders": 5, "reason": "calmer"}
    problem(trader.call("patch", url, change), 403, "role_too_low")
    problem(risk.call("patch", url, {"max_position_share": "0.20"}), 400, "validation_failed")
    problem(risk.call("patch", url, {"reason": "none"}), 400, "no_change")
    problem(risk.call("patch", url, {"max_position_share": "1.5", "reason": "x"}), 400, "limit_out_of_bounds")
    problem(risk.call("patch", url, {"max_position_share": 0.2, "reason": "x"}), 400, "validation_failed")
    problem(risk.call("patch", url, {"max_luck": "1", "reason": "x"}), 400, "validation_failed")
    assert RiskLimits.objects.count() == 1
    after = risk.call("patch", url, change).json()
    assert (after["version"], after["max_position_share"], after["max_open_orders"], after["author"]) == (
        2,
        "0.2",
        5,
        risk.username,
    )


def test_roles(desk, person, stranger):
    viewer = person("viewer")
    problem(viewer.post(ORDERS, GOOD), 403, "role_too_low")
    problem(viewer.post("/api/v1/trading/positions/BTC-USDT/close/"), 403, "role_too_low")
    problem(stranger.get("/api/v1/trading/portfolio/"), 401, "not_authenticated")
    for path in (
        "portfolio",
        "orders",
        "positions",
        "fills",
        "ledger",
        "accounts",
        "equity",
        "risk/limits",
        "risk/state",
    ):
        assert viewer.get(f"/api/v1/trading/{path}/").status_code == 200
        assert stranger.get(f"/api/v1/trading/{path}").status_code == 401
    state = viewer.get("/api/v1/trading/risk/state/").json()
    (venue,) = state.pop("venues")
    assert state == {"state": "ACTIVE", "causes": [], "history": []}
    assert (venue["account"], venue["in_house"], venue["state"], venue["rung"]) == ("paper", True, "ACTIVE", None)


def test_a_key_places_one_order_however_often_it_is_sent(desk, trader):
    key = {"idempotency-key": "abc-1"}
    first = trader.post(ORDERS, GOOD, **key)
    again = trader.post(ORDERS, GOOD, **key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    problem(trader.post(ORDERS, GOOD | {"quantity": "0.001"}, **key), 409, "idempotency_key_reused")
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    "query", [{"instrumnt": "x"}, {"limit": "0"}, {"limit": "x"}, {"cursor": "zzz"}, {"ordering": "secret"}]
)
def test_a_mistyped_list_parameter_is_refused(desk, trader, query):
    answer = trader.get(ORDERS, query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
