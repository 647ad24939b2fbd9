"""Committed events become frames with the rooms' own views; a thing that changed twice in a batch is shown once."""

from contextlib import suppress
from decimal import Decimal
from uuid import uuid4

import orjson
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.agents.models import Decision
from apps.agents.queries import DecisionReading, agent_cards, decision_view
from apps.foundation import live_updates
from apps.foundation.errors import RetryableFailure
from apps.foundation.models import OutboxEvent
from apps.foundation.outbox import record_event, record_events
from apps.management.queries import incident_views
from apps.trading.models import Account
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.orders.announce_changes import portfolio_event
from apps.trading.operations.risk.want_incident import want_incident
from apps.trading.queries import order_view
from tests.support.agents_room import open_agents_room
from tests.support.trading_desk import open_desk
from workers import outbox_relay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def published(channel):
    """Every frame of the channel, oldest first."""
    place = live_updates.current_position(channel)
    texts = live_updates.frames_since(channel=channel, stream_id=place.stream_id, seq=0)
    return [orjson.loads(text) for text in texts]


def relay_all():
    for relay in (outbox_relay.relay_orders, outbox_relay.relay_others):
        while relay():
            pass


def test_a_filled_order_is_shown_as_the_api_shows_it(desk):
    order_id = desk.buy()
    relay_all()
    assert not OutboxEvent.objects.filter(published_at__isnull=True).exists()
    shown = [frame["data"] for frame in published("orders") if frame["data"]["id"] == str(order_id)]
    assert shown == [order_view(order_id)], "many changes of one batch are one frame, with the newest state"
    assert published("portfolio")[-1]["data"]["positions"][0]["instrument"] == "BTC/USDT"


def test_orders_do_not_wait_for_what_else_was_told_with_them(desk):
    relay_all()
    with transaction.atomic():
        record_event(kind="system.changed", aggregate="system", payload={})
    order_id = desk.buy()
    outbox_relay.relay_orders()
    assert order_view(order_id) in [frame["data"] for frame in published("orders")]
    waiting = set(OutboxEvent.objects.filter(published_at__isnull=True).values_list("kind", flat=True))
    assert waiting == {"system.changed", "portfolio.changed"}
    outbox_relay.relay_others()
    assert not OutboxEvent.objects.filter(published_at__isnull=True).exists()


def test_a_wish_for_an_incident_that_is_told_twice_counts_once(desk):
    with transaction.atomic():
        want_incident(kind="late_fill", subject="order:1", detail="A test wants one.")
    relay_all()
    OutboxEvent.objects.filter(kind="incident.wanted").update(published_at=None)  # as if its mark had been lost
    relay_all()
    (incident,) = [row for row in incident_views() if row["kind"] == "late_fill"]
    assert incident["occurrences"] == 1


def test_a_failing_view_delays_its_own_events_and_loses_none(desk, monkeypatch):
    with transaction.atomic():
        want_incident(kind="late_fill", subject="order:1", detail="A test wants one.")
        record_event(kind="decision.made", aggregate="decision:1", payload={"decision_id": str(uuid4())})

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setitem(outbox_relay.RENDERERS, "decision.made", ("decisions", broken))
    with pytest.raises(ZeroDivisionError):
        relay_all()
    monkeypatch.undo()
    assert [incident["kind"] for incident in incident_views()] == ["late_fill"]
    assert OutboxEvent.objects.get(kind="decision.made").published_at is None
    assert OutboxEvent.objects.get(kind="incident.wanted").published_at is not None


def test_decisions_are_read_at_once_and_one_that_can_not_be_shown_hides_no_other(clean_redis, monkeypatch):
    room = open_agents_room()
    room.decide()
    bad, *good = Decision.objects.order_by("symbol")
    really = DecisionReading.view

    def fails_for_one(reading, decision_id):
        if decision_id == str(bad.pk):
            raise ZeroDivisionError
        return really(reading, decision_id)

    monkeypatch.setattr(DecisionReading, "view", fails_for_one)
    for _ in range(3):
        with suppress(ZeroDivisionError):
            relay_all()
    assert {frame["data"]["id"] for frame in published("decisions")} == {str(decision.pk) for decision in good}
    assert [frame["data"] for frame in published("decisions")][-1] == decision_view(good[-1].pk)


def test_a_decision_is_shown_again_as_its_order_goes_on(clean_redis):
    room = open_agents_room()
    room.decide()
    relay_all()
    decision = Decision.objects.exclude(order_id=None).first()
    shown = len(published("decisions"))
    with transaction.atomic():
        record_event(
            kind="order.changed", aggregate=f"order:{decision.order_id}", payload={"order_id": str(decision.order_id)}
        )
    relay_all()
    assert [frame["data"] for frame in published("decisions")[shown:]] == [decision_view(decision.pk)]


def test_while_redis_is_away_no_decision_is_to_be_told_for_orders_that_were_not(clean_redis, monkeypatch):
    room = open_agents_room()
    room.decide()
    monkeypatch.setattr(live_updates, "publish", lambda **_: None)
    for _ in range(3):
        OutboxEvent.objects.update(retry_at=None)
        with pytest.raises(RetryableFailure):
            outbox_relay.relay_orders()
    assert not OutboxEvent.objects.filter(kind="decision.changed").exists()
    monkeypatch.undo()
    OutboxEvent.objects.update(retry_at=None)
    relay_all()
    ordered = Decision.objects.exclude(order_id=None).count()
    assert OutboxEvent.objects.filter(kind="decision.changed").count() == ordered > 0


def test_the_cards_of_a_step_are_read_at_once_and_shown_as_the_api_shows_them(clean_redis):
    room = open_agents_room()
    relay_all()
    room.decide()
    with CaptureQueriesContext(connection) as queries:
        relay_all()
    shown = {frame["data"]["id"]: frame["data"] for frame in published("agents")}
    assert shown == {card["id"]: card for card in agent_cards()}
    assert sum("agents_agentscore" in query["sql"] for query in queries) == 1


def test_an_event_of_a_thing_that_is_gone_ends_quietly(desk):
    with transaction.atomic():
        record_event(
            kind="order.changed", aggregate="order:0", payload={"order_id": "00000000-0000-0000-0000-000000000000"}
        )
    relay_all()
    assert not OutboxEvent.objects.filter(published_at__isnull=True).exists()


def test_many_orders_of_a_batch_cost_no_more_questions_than_one(desk):
    asked = []
    for count in (1, 4):
        for _ in range(count):
            desk.buy(quantity="0.0005")
        with CaptureQueriesContext(connection) as queries:
            outbox_relay.relay_orders()
            outbox_relay.relay_others()
        asked.append(len(queries))
        assert not OutboxEvent.objects.filter(published_at__isnull=True).exists()
    assert asked[1] <= asked[0] + 1, asked


def test_another_accounts_portfolio_is_not_shown_as_the_houses(desk):
    open_portfolio(currency="USDT", capital=Decimal(50), moment=desk.market.moment, account="second", venue="paper")
    relay_all()
    before = len(published("portfolio")) if live_updates.current_position("portfolio") else 0
    second = Account.objects.get(pk="second").portfolio_id
    with transaction.atomic():
        record_events([portfolio_event(second)])
    relay_all()
    assert not OutboxEvent.objects.filter(published_at__isnull=True).exists()
    assert (len(published("portfolio")) if before else 0) == before
