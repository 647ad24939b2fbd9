"""What requests take of which quota, and which answers ask for silence."""

import pytest

from apps.foundation.errors import Refused
from apps.market.domain.request_quotas import RequestQuotas, address_of, allowed_by, is_here


def quotas(exchange, key="", **given):
    return RequestQuotas(exchange=exchange, address="host", allowed=allowed_by(exchange, **given), key=key)


def taken(exchange, path, method="GET", *, private=False, cost=1.0, **more):
    charges = quotas(exchange, "k").of_request(path=path, method=method, private=private, cost=cost, **more)
    return {charge.quota.scope.split(":")[1]: charge.units for charge in charges}


def test_binance_counts_weight_by_address_and_orders_by_key():
    assert taken("binance", "exchangeInfo", cost=4) == {"weight": 20}
    assert taken("binance", "klines", cost=0.4) == {"weight": 2}
    assert taken("binance", "order", "POST", private=True, cost=0.2) == {"weight": 1, "orders": 1}
    assert taken("binance", "orderList/oco", "POST", private=True, cost=0.2) == {"weight": 1, "orders": 2}
    assert taken("binance", "order", "DELETE", private=True, cost=0.2) == {"weight": 1}
    assert taken("binance", "ticker/24hr", cost=16, symbols=3) == {"weight": 4}
    assert taken("binance", "ticker/24hr", cost=16, symbols=30) == {"weight": 80}


def test_kraken_counts_public_requests_by_address_and_two_counters_by_key():
    assert taken("kraken", "Ticker") == {"public": 5}
    assert taken("kraken", "OHLC", cost=1.2) == {"public": 6}
    assert taken("kraken", "TradesHistory", "POST", private=True, cost=6) == {"counter": 30}
    assert taken("kraken", "AddOrder", "POST", private=True, cost=0) == {"trading": 1}
    assert taken("kraken", "CancelOrder", "POST", private=True, cost=0) == {"trading": 1}


def test_of_any_other_exchange_the_librarys_pace_is_kept():
    (charge,) = quotas("bitstamp", pace_ms=75).of_request(path="ticker", method="GET", private=False, cost=1)
    assert (charge.units, charge.quota.units, charge.quota.seconds) == (5, 266, 4)


def test_one_address_is_one_scope_whatever_the_key_and_a_key_is_never_in_it():
    with_key, without = quotas("binance", key="secret-key"), quotas("binance")
    ask = {"path": "klines", "method": "GET", "private": False, "cost": 0.4}
    assert with_key.of_request(**ask)[0].quota.scope == without.of_request(**ask)[0].quota.scope
    send = {"path": "order", "method": "POST", "private": True, "cost": 0.2}
    scopes = {quotas("binance", key=key).of_request(**send)[1].quota.scope for key in ("secret-key", "other")}
    assert len(scopes) == 2
    assert not any("secret-key" in scope for scope in scopes)


@pytest.mark.parametrize(
    ("exchange", "status", "headers", "body", "name", "seconds"),
    [
        ("binance", 429, {"Retry-After": "7"}, '{"code": -1003}', "weight", 7),
        ("binance", 418, {"retry-after": "9000"}, '{"code": -1003}', "weight", 600),
        ("binance", 429, {"Retry-After": "3"}, '{"code": -1015}', "orders", 3),
        ("kraken", 200, {}, '{"error": ["EAPI:Rate limit exceeded"]}', "counter", 5),
        ("kraken", 200, {}, '{"error": ["EOrder:Rate limit exceeded"]}', "trading", 5),
        ("kraken", 429, {}, "", "public", 5),
        ("coinbase", 429, {"Retry-After": "soon"}, "", "pace", 5),
    ],
)
def test_answers_that_ask_for_silence(exchange, status, headers, body, name, seconds):  # noqa: PLR0917
    scope, told = quotas(exchange, "k").asked_for_silence(status=status, headers=headers, body=body)
    assert (scope.split(":")[1], told) == (name, seconds)


def test_other_answers_ask_for_nothing():
    for status, body in ((200, "{}"), (503, "busy"), (400, '{"code": -1015}')):
        assert quotas("binance").asked_for_silence(status=status, headers={}, body=body) is None


def test_what_a_customer_is_allowed_besides_is_taken_and_a_wrong_name_is_refused():
    assert [each.units for each in allowed_by("binance", given={"orders": 50})] == [6_000, 50]
    for wrong in ({"order": 50}, {"orders": 0}, {"orders": "many"}):
        with pytest.raises(Refused, match="HQ_REQUEST_QUOTAS") as refusal:
            allowed_by("binance", given=wrong)
        assert refusal.value.field == "HQ_REQUEST_QUOTAS"


def test_the_address_is_the_host_of_the_public_interface():
    assert address_of({"sapi": "https://s.example/v1", "public": "https://{hostname}/v3"}, hostname="a.example") == (
        "a.example"
    )
    assert address_of("http://127.0.0.1:9/x") == "127.0.0.1:9"
    assert address_of({"ws": {"x": "y"}, "rest": "https://api.example"}) == "api.example"


def test_an_emulator_on_this_machine_is_allowed_more_unless_somebody_says_how_much():
    assert [each.units for each in allowed_by("binance", here=True)] == [120_000, 2_000]
    assert [each.units for each in allowed_by("binance", given={"weight": 50}, here=True)] == [50, 2_000]
    assert [is_here(host) for host in ("127.0.0.1:80", "localhost", "[::1]:9", "api.binance.com", "127.0.0.2")] == [
        True,
        True,
        True,
        False,
        False,
    ]
