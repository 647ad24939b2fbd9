"""The broker's answers as it recorded them: read exactly, or named as nonsense."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from apps.trading.adapters import alpaca_errors
from apps.trading.adapters.alpaca_reports import fill_of, house_symbol, number, report_of, time_of
from apps.trading.ports import VenueOrderExists, VenueRefused
from tests.support.recorded_broker import payload

D = Decimal
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "exchanges" / "alpaca"
ORDERS = ("market_order", "limit_order", "get_orders", "get_order_by_id", "get_order_by_client_id", "replace_order")


def recorded(*names):
    return [path for name in names if (path := RECORDED / f"{name}.json").is_file()]


def answers_of(source):
    found = json.loads(source.read_text())["response"] if isinstance(source, Path) else payload(source)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("source", ["alpaca_order", *recorded(*ORDERS)], ids=str)
def test_an_order_is_read_exactly(source):
    for answer in answers_of(source):
        report = report_of(answer)
        assert (report.client_order_id, report.venue_order_id) == (answer["client_order_id"], answer["id"])
        assert (report.quantity, report.filled_quantity) == (D(str(answer["qty"])), D(str(answer["filled_qty"])))
        assert (report.side, report.type, report.state) == (answer["side"], answer["type"], "OPEN")
        assert report.accepted_firm.isoformat()[:19] == answer["submitted_at"][:19]


@pytest.mark.parametrize("source", ["alpaca_account", *recorded("get_account")], ids=str)
def test_money_is_read_exactly(source):
    (answer,) = answers_of(source)
    assert number(answer, "cash") == D(answer["cash"])
    assert number(answer, "non_marginable_buying_power") == D(answer["non_marginable_buying_power"])


def test_a_fill_has_the_brokers_ids_and_no_commission():
    fill = fill_of(payload("alpaca_fill"))
    assert (fill.symbol, fill.quantity, fill.price, fill.fee) == ("AAPL/USD", D(1), D(100), D(0))
    assert fill.venue_order_id.endswith("0003")


@pytest.mark.parametrize(
    "change", [{"qty": "-1"}, {"price": "0"}, {"price": "NaN"}, {"qty": True}, {"side": "hold"}, {"order_id": None}]
)
def test_a_fill_that_cannot_be_true_is_nonsense(change):
    with pytest.raises(ValueError):
        fill_of(payload("alpaca_fill") | change)


def test_times_keep_their_zone_and_need_one():
    assert time_of("2026-01-05T09:30:00.123456789-05:00").isoformat() == "2026-01-05T14:30:00.123456+00:00"
    with pytest.raises(ValueError, match="no zone"):
        time_of("2026-01-05T09:30:00")


def test_symbols_of_both_sides():
    assert [house_symbol(each) for each in ("BRK.B", "BTC/USD")] == ["BRK.B/USD", "BTC/USD"]


class SaidError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status_code = status


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (422, '{"code": 40010001, "message": "client_order_id must be unique"}', VenueOrderExists),
        (403, '{"code": 40310000, "message": "insufficient buying power"}', VenueRefused),
        (422, '{"code": 42210000, "message": "invalid qty"}', VenueRefused),
        (403, "<html>blocked by the front door</html>", None),
        (429, '{"code": 42910000, "message": "too many requests."}', None),
        (504, '{"message": "The request timed out"}', None),
        (500, '{"code": 50010000, "message": "internal server error occurred"}', None),
        (409, '{"message": "conflict"}', None),
    ],
)
def test_only_the_brokers_own_refusals_prove_that_nothing_was_taken(status, text, error):
    found = alpaca_errors.of_send(SaidError(status, text))
    assert type(found).__name__ == (error.__name__ if error else "OutcomeUnknown")
