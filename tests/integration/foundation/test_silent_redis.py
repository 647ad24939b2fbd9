"""A Redis that takes connections and answers nothing, as behind a dead line: requests go on, revocations hold."""

import time
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model

from apps.foundation import redis_pool
from apps.foundation.clock import wall_now
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuthSession
from apps.foundation.session_revocations import is_revoked
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
