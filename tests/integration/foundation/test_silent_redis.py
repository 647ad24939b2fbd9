"""A Redis that takes connections and answers nothing, as behind a dead line: requests go on, revocations hold."""

import time
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from celery import Celery
from django.contrib.auth import get_user_model

from apps.agents.queries import heartbeats
from apps.foundation import after_commit, live_updates, redis_pool
from apps.foundation.after_commit import TaskSender
from apps.foundation.clock import wall_now
from apps.foundation.errors import NotReady
from apps.foundation.identifiers import new_id
from apps.foundation.metrics import WAKE_UPS_LOST
from apps.foundation.models import AuthSession
from apps.foundation.session_revocations import is_revoked
from apps.market.adapters.redis_quotes import RedisQuoteBoard
from apps.market.domain.quotes import Quote
from tests.integration.foundation.waiting import eventually
from workers.drills.tcp_proxy import TcpProxy, Weather

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(settings, clean_redis):
    there = urlsplit(settings.REDIS_URL)
    with TcpProxy((there.hostname, there.port)) as proxy:
        settings.REDIS_URL = there._replace(netloc=f":{there.password}@127.0.0.1:{proxy.port}").geturl()
        redis_pool.client.cache_clear()
        yield proxy
    settings.REDIS_URL = there.geturl()
    redis_pool.client.cache_clear()


def test_what_a_bar_tells_waits_no_longer_than_one_patient_question(line):
    at = wall_now()
    update = live_updates.Update("quotes:BTC/USDT", "delta", {"last": "1"}, at)
    board = RedisQuoteBoard()
    line.weather = Weather.BLACKHOLE
    began = time.monotonic()
    live_updates.publish_all([update])
    assert live_updates.publish(channel=update.channel, kind=update.kind, data=update.data, as_of=at) is None
    with pytest.raises(NotReady):
        board.put([Quote("BTC/USDT", "binance", Decimal(1), Decimal(2), Decimal(1), at, at, "live")])
    with pytest.raises(NotReady):
        board.latest(["BTC/USDT"], ["binance"])
    assert not heartbeats([new_id()]).known
    assert time.monotonic() - began < redis_pool.ANSWER_SECONDS


def test_postgresql_answers_soon_whether_a_session_was_ended(line):
    user, now = get_user_model().objects.create_user("anna"), wall_now()
    living, ended = (
        AuthSession.objects.create(
            pk=new_id(), user=user, created_at=now, last_used_at=now, last_refresh_jti="x", revoked_at=at
        )
        for at in (None, now)
    )
    assert (is_revoked(living.pk), is_revoked(ended.pk)) == (False, True)
    line.weather = Weather.BLACKHOLE
    began = time.monotonic()
    assert (is_revoked(living.pk), is_revoked(ended.pk)) == (False, True)
    assert time.monotonic() - began < redis_pool.ANSWER_SECONDS  # what one question took with the patient client


def test_tasks_that_are_sent_meanwhile_hold_up_nobody_and_are_counted_as_lost(line, settings, monkeypatch):
    app = Celery("elsewhere", broker=settings.REDIS_URL, set_as_current=False)
    patience = settings.CELERY_BROKER_TRANSPORT_OPTIONS["socket_timeout"]
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {"socket_timeout": 1}
    monkeypatch.setattr(after_commit, "current_app", app)
    lost = WAKE_UPS_LOST.labels(task="note")
    before = lost._value.get()
    line.weather = Weather.BLACKHOLE
    sender, began = TaskSender(), time.monotonic()
    for number in range(2):
        sender.send("note", "silent-test", None, {"number": number})
    assert time.monotonic() - began < patience
    eventually(lambda: lost._value.get() == before + 2, seconds=60)
    line.weather = Weather.THROUGH
    sender.send("note", "silent-test", None, {"number": 2})
    eventually(lambda: redis_pool.client().llen("silent-test") == 1)
