"""Every kind of bad input: a problem document with a stable code, nothing changed, nothing given away."""

import json

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.delivery.plumbing_urls")]
FIELDS = "/api/v1/test/fields/"


def problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:tradinghq:problem:{body['code']}"
    assert body["detail"]
    assert body["title"]
    assert body["correlation_id"] == answer["X-Correlation-ID"]
    return body


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (0.1, "float_refused"),
        (1e300, "float_refused"),
        ("1e5", "not_a_decimal"),
        ("NaN", "not_a_decimal"),
        ("Infinity", "not_a_decimal"),
        ("-Infinity", "not_a_decimal"),
        ("0x10", "not_a_decimal"),
        ("1_000", "not_a_decimal"),
        ("1,000", "not_a_decimal"),
        ("٣", "not_a_decimal"),
        ("", "not_a_decimal"),
        (" ", "not_a_decimal"),
        (True, "not_a_decimal"),
        ([], "not_a_decimal"),
        ({}, "not_a_decimal"),
        (None, "null"),
        ("0", "not_above"),
        ("-1", "not_above"),
        (-1, "not_above"),
        (0, "not_above"),
        ("-0", "not_above"),
        ("0.0000000000000000001", "too_many_decimals"),
        ("1" + "0" * 18, "too_large"),
        (10**400, "not_a_decimal"),
        ("9" * 10_000, "not_a_decimal"),
    ],
)
def test_a_quantity_that_is_none(person, quantity, code):
    body = problem(person("trader").post(FIELDS, json.dumps({"quantity": quantity})), 400)
    assert body["code"] == "validation_failed"
    (error,) = body["errors"]
    assert (error["field"], error["code"]) == ("quantity", code)
    assert len(error["detail"]) < 250


@pytest.mark.parametrize(
    ("quantity", "read"),
    [
        ("0.1", "0.1"),
        (" 0.1 ", "0.1"),
        (3, "3"),
        ("1.500", "1.5"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("999999999999999999.123456789012345678", "999999999999999999.123456789012345678"),
        ("0.1" + "0" * 30, "0.1"),
    ],
)
def test_a_quantity_is_kept_exactly(person, quantity, read):
    answer = person("trader").post(FIELDS, {"quantity": quantity})
    assert (answer.status_code, answer.json()) == (201, {"quantity": read})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("instrument", "BTC-USDT", "not_a_symbol"),
        ("instrument", "btc/usdt", "not_a_symbol"),
        ("instrument", "BTC/USDT\n", "not_a_symbol"),
        ("instrument", 7, "not_a_symbol"),
        ("at", "yesterday", "not_a_time"),
        ("at", "2026-01-31T12:00:00", "no_zone"),
        ("at", "0001-01-01T00:00:00+23:00", "not_a_time"),
        ("at", 1700000000, "not_a_time"),
        ("limit_price", "-0.01", "below_minimum"),
        ("note", "x" * 21, "max_length"),
        ("side", ["buy"], "invalid_choice"),
        ("agent", "0" * 31, "invalid"),
        ("note", {"a": 1}, "invalid"),
        ("quantiy", "1", "unknown_field"),
    ],
)
def test_other_fields(person, name, value, code):
    body = problem(person("trader").post(FIELDS, {"quantity": "1", name: value}), 400)
    assert [(error["field"], error["code"]) for error in body["errors"]] == [(name, code)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("side", "bye", "'bye' is none of buy, sell."),
        ("side", None, "This field may not be null."),
        ("side", "y" * 300, f"'{'y' * 59} is none of buy, sell."),
        ("agent", "momentum-1", "Its id is wanted, which GET /api/v1/agents/ tells; was 'momentum-1'."),
        (
            "agent",
            {"name": "momentum-1"},
            "Its id is wanted, which GET /api/v1/agents/ tells; was {'name': 'momentum-1'}.",
        ),
    ],
)
def test_a_refused_choice_or_id_tells_what_is_wanted(person, name, value, sentence):
    body = problem(person("trader").post(FIELDS, {"quantity": "1", name: value}), 400)
    assert body["detail"] == f"{name}: {sentence}"


def test_a_time_leaves_in_utc(person):
    answer = person("trader").post(FIELDS, {"quantity": "1", "at": "2026-01-31T12:00:00+02:00"})
    assert answer.json()["at"] == "2026-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"", 400, "validation_failed"),
        (b"[]", 400, "validation_failed"),
        (b'"text"', 400, "validation_failed"),
        (b"null", 400, "validation_failed"),
        (b'{"quantity": NaN}', 400, "malformed_body"),
        (b'{"quantity": Infinity}', 400, "malformed_body"),
        (b'{"quantity": "1", "quantity": "2"}', 400, "malformed_body"),
        (b'{"quantity": "\xff"}', 400, "malformed_body"),
        (b'{"quantity": "1", "note": "\\u0000"}', 400, "malformed_body"),
        (b'{"quantity": "1", "note": "\\ud800"}', 400, "malformed_body"),
        (b"[" * 100_000, 400, "malformed_body"),
        (b'{"quantity": ' + b"9" * 5000 + b"}", 400, "malformed_body"),
        (b'{"note": "' + b"x" * 1_100_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_bodies_that_can_not_be_read(person, raw, status, code):
    assert problem(person("trader").post(FIELDS, raw), status)["code"] == code


def test_another_content_type(person):
    trader = person("trader")
    answer = trader.client.post(
        FIELDS, "quantity=1", "application/x-www-form-urlencoded", headers={"authorization": f"Bearer {trader.access}"}
    )
    assert problem(answer, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("refused", 400, "too_small"),
        ("conflict", 409, "already_done"),
        ("not-ready", 503, "not_ready"),
        ("unknown", 502, "outcome_unknown"),
        ("data", 400, "value_out_of_range"),
        ("integrity", 409, "constraint_refused"),
        ("operational", 503, "database_away"),
        ("disk", 503, "disk_full"),
        ("interface", 503, "database_away"),
        ("redis", 503, "redis_away"),
        ("bug", 500, "internal_error"),
    ],
)
def test_failures_inside(person, kind, status, code):
    answer = person("viewer").get(f"/api/v1/test/raise/{kind}/")
    assert problem(answer, status)["code"] == code
    assert b"SECRET" not in answer.content
    assert b"Traceback" not in answer.content


def test_a_refusal_names_its_field_and_facts(person):
    body = problem(person("viewer").get("/api/v1/test/raise/refused/"), 400)
    assert body["errors"] == [{"field": "quantity", "code": "too_small", "detail": "Too small."}]
    assert body["facts"] == {"minimum": "0.1"}


def test_a_method_that_is_not_served(person):
    body = problem(person("trader").call("put", FIELDS, {}), 405)
    assert body["code"] == "method_not_allowed"


def test_a_role_too_low(person):
    body = problem(person("viewer").post(FIELDS, {"quantity": "1"}), 403)
    assert body["code"] == "role_too_low"
    assert "trader" in body["detail"]
    assert "viewer" in body["detail"]


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing/", "/api/v1/trading/orders/x/y/z", "/api/v2/auth/me/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_no_such_endpoint(stranger, path, method):
    assert problem(stranger.call(method, path), 404)["code"] == "no_such_endpoint"


def test_a_format_nobody_has(person):
    body = problem(person("viewer").get("/api/v1/auth/me/", {"format": "xml"}), 400)
    assert (body["code"], body["errors"][0]["field"]) == ("unknown_format", "format")
    assert body["detail"] == "format was 'xml'; this address answers json."


def test_an_accept_header_nobody_meets(person):
    answer = person("viewer").get("/api/v1/auth/me/", accept="image/png")
    assert problem(answer, 406)["code"] == "not_acceptable"


def test_a_foreign_host_gets_a_problem(client):
    answer = client.get("/api/v1/auth/me/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


def test_the_clients_own_correlation_id_is_kept_when_fit(person):
    viewer = person("viewer")
    assert (
        viewer.get("/api/v1/auth/me/", **{"x-correlation-id": "order-2026-0001"})["X-Correlation-ID"]
        == "order-2026-0001"
    )
    assert viewer.get("/api/v1/auth/me/", **{"x-correlation-id": "a b"})["X-Correlation-ID"] != "a b"


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/api/v1/auth/me/"])
def test_both_slash_forms_are_the_same_endpoint(person, path):
    assert person("viewer").get(path).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/test/fields", "/api/v1/test/fields/"])
def test_both_slash_forms_take_a_body(person, path):
    assert person("trader").post(path, {"quantity": "1"}).status_code == 201


@pytest.mark.parametrize(("path", "symbol"), [("BTC-USDT", "BTC/USDT"), ("btc-usdt", "BTC/USDT")])
def test_instruments_in_paths(person, path, symbol):
    assert person("viewer").get(f"/api/v1/test/symbols/{path}/").json()["instrument"] == symbol


def test_an_unknown_parameter_is_refused(person):
    viewer = person("viewer")
    assert viewer.get("/api/v1/test/symbols/BTC-USDT/", {"depth": "5"}).status_code == 200
    body = problem(viewer.get("/api/v1/test/symbols/BTC-USDT/", {"dept": "5"}), 400)
    assert (body["code"], body["errors"][0]["field"]) == ("unknown_parameter", "dept")
