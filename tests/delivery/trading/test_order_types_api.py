"""Every order type over REST: groups, triggers, amending and previews, with the field and the remedy named."""

import pytest

from apps.trading.models import Order, OrderGroup
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/trading/orders/"
GOOD = {"instrument": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.004"}
EXITS = {"take_profit_price": "51000", "stop_loss_price": "49000"}


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def trader(desk, person):
    return person("trader")


def problem(answer, status, code):
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body["code"] == code, body
    return body


@pytest.mark.parametrize(
    ("change", "state", "trigger"),
    [
        ({"type": "stop", "stop_price": "50500"}, "ARMED", ("50500", "at_or_above", "market")),
        (
            {"type": "stop_limit", "stop_price": "50500", "limit_price": "50600"},
            "ARMED",
            ("50500", "at_or_above", "limit"),
        ),
        ({"type": "take_profit", "stop_price": "49500"}, "ARMED", ("49500", "at_or_below", "market")),
        ({"type": "trailing_stop", "trail_pct": "1"}, "ARMED", ("50500", "at_or_above", "market")),
        ({"type": "trailing_stop", "trail_amount": "250"}, "ARMED", ("50250", "at_or_above", "market")),
        ({"type": "limit", "limit_price": "49000", "post_only": True}, "APPROVED", None),
        (
            {"type": "limit", "limit_price": "49000", "time_in_force": "GTD", "expires_at": "2027-01-01T00:00:00Z"},
            "APPROVED",
            None,
        ),
    ],
)
def test_each_type_is_taken_and_shows_what_it_waits_for(trader, change, state, trigger):
    answer = trader.post(ORDERS, GOOD | change)
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert (order["state"], order["group"], order["replaces"]) == (state, None, None), order["reject_detail"]
    shown = order["trigger"]
    assert trigger == (shown and (shown["price"], shown["fires"], shown["then"]))
    assert trader.get(f"{ORDERS}{order['id']}/").json() == order


def test_a_bracket_is_answered_by_its_entry_and_shows_its_exits_once_filled(desk, trader):
    entry = trader.post(ORDERS, GOOD | EXITS | {"type": "bracket"}).json()
    assert (entry["role"], entry["type"], entry["group"]["kind"]) == ("entry", "market", "bracket")
    desk.send(entry["id"])
    desk.bar()
    shown = trader.get(f"{ORDERS}{entry['id']}/").json()
    assert [(member["role"], member["state"]) for member in shown["group"]["orders"]] == [
        ("entry", "FILLED"),
        ("stop_loss", "ARMED"),
        ("take_profit", "ARMED"),
    ]
    stop = next(member for member in shown["group"]["orders"] if member["role"] == "stop_loss")
    moved = trader.post(f"{ORDERS}{stop['id']}/amend/", {"stop_price": "49500"})
    assert moved.status_code == 201, moved.content
    assert (moved.json()["replaces"], moved.json()["stop_price"]) == (stop["id"], "49500")
    assert trader.get(f"{ORDERS}{stop['id']}/").json()["replaced_by"] == moved.json()["id"]
    cancelled = trader.post(f"{ORDERS}{moved.json()['id']}/cancel/").json()
    states = {member["state"] for member in cancelled["group"]["orders"] if member["role"] != "entry"}
    assert states == {"CANCELED"}


def test_an_oco_is_answered_by_its_take_profit(desk, trader):
    desk.buy()
    answer = trader.post(ORDERS, GOOD | EXITS | {"type": "oco", "side": "sell"})
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert (order["role"], order["type"], order["limit_price"]) == ("take_profit", "limit", "51000")
    assert {member["role"] for member in order["group"]["orders"]} == {"take_profit", "stop_loss"}
    again = trader.post(ORDERS, GOOD | EXITS | {"type": "oco", "side": "sell"})
    assert problem(again, 409, "units_in_another_group")["errors"][0]["field"] == "quantity"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"type": "oco"} | EXITS, "side_not_applicable", "side"),
        ({"type": "oco", "side": "sell", "take_profit_price": "51000"}, "required", "stop_loss_price"),
        ({"type": "bracket"}, "required", "take_profit_price"),
        ({"type": "bracket", "stop_loss_price": "52000"}, "stop_on_wrong_side", "stop_loss_price"),
        ({"type": "bracket", "stop_loss_price": "49000.001"}, "off_tick", "stop_loss_price"),
        ({"type": "bracket", "limit_price": "48000", "stop_loss_price": "49000"}, "exits_crossed", "stop_loss_price"),
        ({"type": "trailing_stop", "trail_pct": "1", "trail_amount": "5"}, "ambiguous", "trail_pct"),
        ({"type": "trailing_stop", "trail_pct": "51"}, "too_large", "trail_pct"),
        ({"type": "stop_limit", "stop_price": "50500"}, "required", "limit_price"),
        ({"take_profit_price": "51000"}, "not_applicable", "take_profit_price"),
        (
            {"type": "limit", "limit_price": "49000", "time_in_force": "GTD", "expires_at": "2020-01-01T00:00:00Z"},
            "in_the_past",
            "expires_at",
        ),
        (
            {"type": "limit", "limit_price": "49000", "time_in_force": "FOK", "post_only": True},
            "not_applicable",
            "post_only",
        ),
    ],
)
def test_what_does_not_fit_names_its_field(trader, change, code, field):
    for door in (ORDERS, f"{ORDERS}preview/"):
        body = problem(trader.post(door, GOOD | change), 400, code)
        assert [error["field"] for error in body["errors"]] == [field]
    assert not Order.objects.exists()
    assert not OrderGroup.objects.exists()


def test_a_preview_judges_and_stores_nothing(trader):
    answer = trader.post(f"{ORDERS}preview/", GOOD | {"quantity": "0.5"})
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["allowed"] is False
    assert "insufficient_balance" in {verdict["code"] for verdict in shown["verdicts"]}
    fine = trader.post(f"{ORDERS}preview/", GOOD | EXITS | {"type": "bracket"}).json()
    assert (fine["allowed"], fine["quantity"], fine["reserves_asset"]) == (True, "0.004", "USDT")
    assert not Order.objects.exists()


def test_amending_answers_the_new_order_and_refuses_by_name(desk, trader):
    order = trader.post(ORDERS, GOOD | {"type": "limit", "limit_price": "49000"}).json()
    amend = f"{ORDERS}{order['id']}/amend/"
    assert problem(trader.post(amend, {}), 400, "nothing_changed")
    assert problem(trader.post(amend, {"stop_price": "1"}), 400, "not_applicable")["errors"][0]["field"] == "stop_price"
    assert problem(trader.post(amend, {"side": "sell"}), 400, "validation_failed")["errors"][0]["field"] == "side"
    denied = problem(trader.post(amend, {"limit_price": "60000"}), 409, "amend_denied")
    assert "goes on unchanged" in denied["detail"]
    new = trader.post(amend, {"limit_price": "49100", "reason": "closer"}).json()
    assert (new["replaces"], new["limit_price"], new["quantity"], new["reason"]) == (
        order["id"],
        "49100",
        "0.004",
        "closer",
    )
    assert "CANCELED" in problem(trader.post(amend, {"limit_price": "49200"}), 409, "order_finished")["detail"]
