"""Bad input names its field, what it was and the remedy; good input passes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.foundation.errors import Refused
from apps.trading.domain.orders.order_intent import OrderIntent, check_intent
from apps.trading.domain.orders.order_pricing import priced

D = Decimal
LATER = datetime(2026, 3, 3, tzinfo=UTC)


def intent(**fields):
    return OrderIntent(**({"symbol": "BTC/USDT", "side": "buy", "quantity": D(1)} | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"quantity": None, "notional": D(10)},
        {"type": "limit", "limit_price": D(1)},
        {"type": "limit", "limit_price": D(1), "post_only": True},
        {"type": "stop", "stop_price": D(1), "side": "sell", "reduce_only": True},
        {"time_in_force": "GTD", "expires_firm": LATER},
        {"time_in_force": "IOC"},
        {"type": "stop_limit", "stop_price": D(2), "limit_price": D(3)},
        {"type": "take_profit", "stop_price": D(2), "side": "sell"},
        {"type": "take_profit", "stop_price": D(2), "limit_price": D(2), "side": "sell"},
        {"type": "trailing_stop", "trail_pct": D(2), "side": "sell"},
        {"type": "trailing_stop", "trail_amount": D(2)},
        {"type": "oco", "side": "sell", "take_profit_price": D(3), "stop_loss_price": D(1)},
        {"type": "bracket", "take_profit_price": D(3), "stop_loss_price": D(1)},
        {"type": "bracket", "stop_loss_price": D(1)},
        {"type": "bracket", "limit_price": D(2), "take_profit_price": D(3), "post_only": True},
    ],
)
def test_sound_intents_pass(fields):
    check_intent(intent(**fields))


@pytest.mark.parametrize(
    ("field", "code", "fields"),
    [
        ("side", "invalid_choice", {"side": "short"}),
        ("type", "invalid_choice", {"type": "magic"}),
        ("trail_pct", "required", {"type": "trailing_stop"}),
        ("trail_pct", "ambiguous", {"type": "trailing_stop", "trail_pct": D(1), "trail_amount": D(1)}),
        ("trail_pct", "too_large", {"type": "trailing_stop", "trail_pct": D(51)}),
        ("stop_price", "not_applicable", {"type": "trailing_stop", "trail_pct": D(1), "stop_price": D(1)}),
        ("limit_price", "required", {"type": "stop_limit", "stop_price": D(1)}),
        ("take_profit_price", "not_applicable", {"take_profit_price": D(1)}),
        ("take_profit_price", "required", {"type": "bracket"}),
        ("side", "side_not_applicable", {"type": "bracket", "side": "sell", "stop_loss_price": D(1)}),
        ("side", "side_not_applicable", {"type": "oco", "take_profit_price": D(3), "stop_loss_price": D(1)}),
        ("stop_loss_price", "required", {"type": "oco", "side": "sell", "take_profit_price": D(3)}),
        ("stop_loss_price", "exits_crossed", {"type": "bracket", "take_profit_price": D(1), "stop_loss_price": D(1)}),
        ("stop_loss_price", "exits_crossed", {"type": "bracket", "limit_price": D(1), "stop_loss_price": D(1)}),
        ("take_profit_price", "exits_crossed", {"type": "bracket", "limit_price": D(3), "take_profit_price": D(3)}),
        (
            "time_in_force",
            "not_applicable",
            {"type": "oco", "side": "sell", "take_profit_price": D(3), "stop_loss_price": D(1), "time_in_force": "IOC"},
        ),
        (
            "quantity",
            "required",
            {
                "type": "oco",
                "side": "sell",
                "quantity": None,
                "notional": D(9),
                "take_profit_price": D(3),
                "stop_loss_price": D(1),
            },
        ),
        (
            "post_only",
            "not_applicable",
            {"type": "limit", "limit_price": D(1), "post_only": True, "time_in_force": "IOC"},
        ),
        ("origin", "invalid_choice", {"origin": "nobody"}),
        ("quantity", "required", {"quantity": None}),
        ("quantity", "ambiguous", {"notional": D(10)}),
        ("quantity", "not_positive", {"quantity": D(0)}),
        ("quantity", "not_positive", {"quantity": D(-1)}),
        ("quantity", "not_a_number", {"quantity": D("NaN")}),
        ("quantity", "not_a_number", {"quantity": D("Infinity")}),
        ("quantity", "too_large", {"quantity": D("1e999")}),
        ("notional", "not_positive", {"quantity": None, "notional": D("-0.01")}),
        ("limit_price", "required", {"type": "limit"}),
        ("limit_price", "not_applicable", {"limit_price": D(1)}),
        ("limit_price", "not_positive", {"type": "limit", "limit_price": D(-5)}),
        ("stop_price", "required", {"type": "stop"}),
        ("stop_price", "not_applicable", {"stop_price": D(1)}),
        ("trail_pct", "not_applicable", {"trail_pct": D(1)}),
        ("time_in_force", "invalid_choice", {"time_in_force": "DAY"}),
        ("expires_at", "required", {"time_in_force": "GTD"}),
        ("expires_at", "not_applicable", {"expires_firm": LATER}),
        ("post_only", "not_applicable", {"post_only": True}),
        ("reduce_only", "invalid", {"reduce_only": True}),
        ("reason", "too_long", {"reason": "x" * 501}),
    ],
)
def test_a_bad_field_is_named_with_a_stable_code(field, code, fields):
    with pytest.raises(Refused) as refused:
        check_intent(intent(**fields))
    assert (refused.value.field, refused.value.code) == (field, code)


def test_a_float_never_becomes_an_order():
    with pytest.raises(TypeError, match="float"):
        check_intent(intent(quantity=0.1))


def price_it(mark="50000", **fields):
    return priced(
        intent(**fields),
        base="BTC",
        quote="USDT",
        step=D("0.001"),
        mark=None if mark is None else D(mark),
        collar_bps=D(200),
        fee_bps=D(10),
    )


@pytest.mark.parametrize(
    ("fields", "quantity", "value", "needs"),
    [
        ({"quantity": D(1)}, "1", "50000", "51051"),
        ({"quantity": None, "notional": D(120)}, "0.002", "100", "102.102"),
        ({"type": "limit", "limit_price": D(40_000)}, "1", "50000", "40040"),
        ({"type": "limit", "limit_price": D(40_000), "quantity": None, "notional": D(100)}, "0.002", "100", "80.08"),
        ({"type": "stop", "stop_price": D(60_000)}, "1", "60000", "61261.2"),
        ({"side": "sell"}, "1", "50000", "1"),
    ],
)
def test_quantity_value_and_funds(fields, quantity, value, needs):
    order = price_it(**fields)
    assert (order.quantity, order.value, order.needs) == (D(quantity), D(value), D(needs))
    assert order.needs_asset == ("BTC" if fields.get("side") == "sell" else "USDT")


def test_without_a_price_nothing_is_made_up():
    order = price_it(mark=None, quantity=None, notional=D(100))
    assert (order.quantity, order.value, order.needs) == (0, None, None)
