"""Cursor pages, filters, ordering and CSV over real rows."""

import base64
import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction

from apps.foundation.models import OutboxEvent
from apps.foundation.outbox import NewEvent, record_events

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.delivery.plumbing_urls")]
EVENTS = "/api/v1/test/events/"


def made_up(*content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.fixture
def rows():
    with transaction.atomic():
        return record_events(
            NewEvent("odd" if n % 2 else "even", f"thing:{n}", {"n": n, "deep": {"x": "=1+1"}}) for n in range(23)
        )


def walk(viewer, query):
    """All ids by following ``next``, and by following ``previous`` from the last page back."""
    answer = viewer.get(EVENTS, query).json()
    pages = [answer]
    while answer["next"]:
        address = urlsplit(answer["next"])
        answer = viewer.get(f"{address.path}?{address.query}").json()
        pages.append(answer)
    forth = [row["id"] for page in pages for row in page["results"]]
    back = [[row["id"] for row in answer["results"]]]
    while answer["previous"]:
        address = urlsplit(answer["previous"])
        answer = viewer.get(f"{address.path}?{address.query}").json()
        back.insert(0, [row["id"] for row in answer["results"]])
    return forth, [each for page in back for each in page]


@pytest.mark.parametrize("limit", ["1", "7", "23", "500"])
def test_every_row_once_forth_and_back(person, rows, limit):
    forth, back = walk(person("viewer"), {"limit": limit})
    assert forth == sorted(rows, reverse=True)
    assert back == forth


def test_rows_that_share_a_value_are_neither_lost_nor_repeated(person, rows):
    forth, back = walk(person("viewer"), {"limit": "3", "ordering": "kind"})
    assert sorted(forth) == sorted(rows)
    assert back == forth


def test_new_rows_do_not_shift_a_page(person, rows):
    viewer = person("viewer")
    first = viewer.get(EVENTS, {"limit": "5"}).json()
    with transaction.atomic():
        record_events([NewEvent("late", "thing:late", {})])
    OutboxEvent.objects.filter(kind="late").update(created_at="2099-01-01T00:00:00Z")
    address = urlsplit(first["next"])
    second = viewer.get(f"{address.path}?{address.query}").json()
    assert [row["id"] for row in second["results"]] == sorted(rows, reverse=True)[5:10]


def test_a_filter_and_its_page(person, rows):
    answer = person("viewer").get(EVENTS, {"kind": "odd", "limit": "4"}).json()
    assert [row["kind"] for row in answer["results"]] == ["odd"] * 4
    assert parse_qs(urlsplit(answer["next"]).query)["kind"] == ["odd"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "invalid_limit"),
        ({"limit": "-1"}, "invalid_limit"),
        ({"limit": "501"}, "invalid_limit"),
        ({"limit": "ten"}, "invalid_limit"),
        ({"limit": "1.5"}, "invalid_limit"),
        ({"limit": ""}, "invalid_limit"),
        ({"limit": "9" * 5000}, "invalid_limit"),
        ({"limit": "٣"}, "invalid_limit"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": made_up("-created_at,-pk", False, "not a time", 1)}, "invalid_cursor"),
        ({"cursor": made_up("-created_at,-pk", False, "2026-01-01T00:00:00Z", 10**30)}, "invalid_cursor"),
        ({"cursor": made_up("-created_at,-pk", False, "2026-01-01T00:00:00Z", None)}, "invalid_cursor"),
        ({"cursor": made_up("-created_at,-pk", False, None, 1)}, "invalid_cursor"),
        ({"cursor": made_up("-created_at,-pk", "x", "2026-01-01T00:00:00Z", 1)}, "invalid_cursor"),
        ({"cursor": made_up("kind,pk", False, "odd", 1)}, "invalid_cursor"),
        ({"cursor": made_up("kind,pk", False, "o\0d", 1), "ordering": "kind"}, "invalid_cursor"),
        ({"cursor": made_up()}, "invalid_cursor"),
        ({"cursor": "A" * 100_000}, "invalid_cursor"),
        ({"cursor": "é"}, "invalid_cursor"),
        ({"ordering": "payload"}, "unknown_ordering"),
        ({"ordering": "nothing"}, "unknown_ordering"),
        ({"kind": "odd", "kynd": "even"}, "unknown_parameter"),
        ({"format": "csv", "limit": "10001"}, "invalid_limit"),
        ({"format": "xlsx"}, "unknown_format"),
    ],
)
def test_a_query_that_can_not_be_read(person, rows, query, code):
    answer = person("viewer").get(EVENTS, query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_csv_has_all_rows_flat_and_safe(person, rows):
    answer = person("viewer").get(EVENTS, {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [int(row["id"]) for row in found] == sorted(rows, reverse=True)
    assert found[0]["payload.n"] == "22"
    assert found[0]["payload.deep.x"] == "'=1+1"
    assert "Link" not in answer


def test_csv_says_where_it_goes_on(person, rows):
    answer = person("viewer").get(EVENTS, {"format": "csv", "limit": "10"})
    assert len(answer.content.decode().splitlines()) == 11
    assert 'rel="next"' in answer["Link"]
    assert "format=csv" in answer["Link"]
