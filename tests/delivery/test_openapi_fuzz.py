"""Requests generated from the API's own description: never a 500, never another shape of error."""

import json
from collections import Counter
from io import StringIO
from urllib.parse import quote, urlencode

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from apps.foundation import audit
from apps.trading.operations.books.verify_books import check_books
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
EXAMPLES = 8
SIGN_IN = "/api/v1/auth/token"  # its limit on failures would answer for everything else


@pytest.fixture(scope="module")
def described():
    text = StringIO()
    call_command("spectacular", stdout=text)
    document = schemathesis.openapi.from_dict(yaml.safe_load(text.getvalue()))
    found = [each.ok() for each in document.get_all_operations()]
    return [each for each in found if not each.path.startswith(SIGN_IN)]


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_no_generated_request_breaks_the_api_or_the_books(desk, described, person, mode):
    admin = person("admin")
    assert len(described) > 50
    known = {"order_id": desk.propose(), "symbol": "BTC-USDT"}
    outcomes = Counter()
    for operation in described:
        outcomes += attack(operation, admin, mode, known)
    assert outcomes[2] > 100, outcomes  # it got past the door, too
    assert outcomes[4] > 100, outcomes
    books = check_books()
    assert books.ok, books.problems
    assert audit.verify().ok


def attack(operation, admin, mode, known):
    """Send generated requests, half of them about things that exist; how many were answered by 2xx, 4xx, 5xx."""
    outcomes = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), exists=st.booleans())
    def attempt(case, exists):
        if exists:
            known_here = {name: value for name, value in known.items() if name in (case.path_parameters or {})}
            case.path_parameters = {**(case.path_parameters or {}), **known_here}
            if isinstance(case.query, dict) and "instrument" in case.query:
                case.query["instrument"] = "BTC/USDT"
            if isinstance(case.body, dict) and "instrument" in case.body:
                case.body["instrument"] = "BTC/USDT"
        with transaction.atomic():
            answer = send(admin, case)
            transaction.set_rollback(answer.status_code >= 400)
        outcomes[answer.status_code // 100] += 1
        told = f"{operation.label} {case.formatted_path} {case.query} {case.body!r}: {answer.content[:300]}"
        assert answer.status_code != 500, told
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json", told
            assert answer.json()["code"], told
        elif answer.content:
            assert answer["Content-Type"].startswith(("application/json", "text/csv", "text/plain")), told

    attempt()
    return outcomes


def send(admin, case):
    query = urlencode(case.query, doseq=True) if isinstance(case.query, dict) else ""
    path = quote(case.formatted_path, safe="/%") + (f"?{query}" if query else "")
    headers = {
        name: value
        for name, value in (case.headers or {}).items()
        if name.lower() == "idempotency-key" and isinstance(value, str) and value.isascii()
    }
    if case.method.upper() == "GET":
        return admin.get(path, **headers)
    try:
        body = json.dumps(case.body)
    except TypeError:  # nothing to send, or bytes
        body = case.body if isinstance(case.body, bytes) else ""
    return admin.call(case.method.lower(), path, body, **headers)
