"""A request named by its client takes effect once: replayed, refused when changed, safe at once or cut off."""

import threading

import pytest
from django.db import connection, connections

from apps.foundation.models import IdempotencyRecord, OutboxEvent
from tests.delivery import plumbing_urls
from tests.delivery.conftest import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.delivery.plumbing_urls")]
EFFECT = "/api/v1/test/effect/"


def send(person, body, key, path=EFFECT):
    return person.post(path, body, **{"idempotency-key": key})


def test_the_same_request_again_gets_the_same_answer_and_has_no_effect(person):
    trader = person("trader")
    first, again = send(trader, {"n": 1}, "k1"), send(trader, {"n": 1}, "k1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert OutboxEvent.objects.count() == 1


def test_order_of_names_and_the_slash_make_no_other_request(person):
    trader = person("trader")
    send(trader, '{"n": 1, "x": 2}', "k1")
    assert send(trader, '{"x": 2,  "n": 1}', "k1", EFFECT.rstrip("/"))["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "path"), [({"n": 2}, EFFECT), ({"n": "1"}, EFFECT), ({"quantity": "1"}, "/api/v1/test/fields/")]
)
def test_the_key_of_another_request_is_refused(person, body, path):
    trader = person("trader")
    send(trader, {"n": 1}, "k1")
    answer = send(trader, body, "k1", path)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert OutboxEvent.objects.count() == 1


def test_keys_belong_to_their_user(person):
    one, two = person("trader"), person("trader")
    send(one, {"n": 1}, "k1")
    assert send(two, {"n": 2}, "k1").status_code == 201
    assert OutboxEvent.objects.count() == 2


def test_a_failure_undoes_its_work_and_frees_the_key(person):
    trader = person("trader")
    assert send(trader, {"n": 1, "fail": True}, "k1").json()["code"] == "told_to_fail"
    assert OutboxEvent.objects.count() == 0
    assert IdempotencyRecord.objects.count() == 0
    assert send(trader, {"n": 1}, "k1").status_code == 201


@pytest.mark.parametrize("key", ["", " " * 3 + "\t", "x" * 201, "schlüssel"])
def test_a_key_that_is_none(person, key):
    answer = send(person("trader"), {"n": 1}, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
    assert OutboxEvent.objects.count() == 0


def test_a_role_too_low_is_not_stored(person):
    viewer = person("viewer")
    assert send(viewer, {"n": 1}, "k1").status_code == 403
    assert IdempotencyRecord.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_have_one_effect_and_the_second_is_told_to_wait(person):
    trader = person("trader")
    other = sign_in(trader.username)
    plumbing_urls.pause.clear()
    plumbing_urls.entered.clear()
    answers = []

    def first():
        answers.append(send(other, {"n": 1, "wait": True}, "k1"))
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert plumbing_urls.entered.wait(10)
    during = send(trader, {"n": 1, "wait": True}, "k1")
    plumbing_urls.pause.set()
    thread.join(10)
    after = send(trader, {"n": 1, "wait": True}, "k1")
    assert (during.status_code, during.json()["code"]) == (409, "idempotency_key_in_flight")
    assert answers[0].status_code == 201
    assert after.json() == answers[0].json()
    assert OutboxEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_have_one_effect(person):
    traders = [person("trader")]
    traders += [sign_in(traders[0].username) for _ in range(7)]
    start, codes = threading.Barrier(8), []

    def one(trader):
        start.wait(10)
        codes.append(send(trader, {"n": 1}, "k1").status_code)
        connections.close_all()

    threads = [threading.Thread(target=one, args=(trader,)) for trader in traders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert OutboxEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_claim_dies_with_its_connection(person):
    """What a crash does: the server ends the connection in the middle of the work."""
    trader = person("trader")
    plumbing_urls.pause.clear()
    plumbing_urls.entered.clear()
    answers = []

    def first():
        answers.append(send(trader, {"n": 1, "wait": True}, "k1"))
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert plumbing_urls.entered.wait(10)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [connection.connection.info.backend_pid],
        )
        assert cursor.rowcount == 1
    plumbing_urls.pause.set()
    thread.join(10)
    assert answers[0].json()["code"] == "database_away"
    assert send(trader, {"n": 1, "wait": True}, "k1").status_code == 201
    assert OutboxEvent.objects.count() == 1
