"""The proxy in front of a real Redis: each weather does to a client what the name says."""

import socket
import time
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from workers.drills.tcp_proxy import TcpProxy, Weather


@pytest.fixture
def proxy():
    parts = urlsplit(settings.REDIS_URL)
    with TcpProxy((parts.hostname, parts.port)) as found:
        yield found


def client(proxy: TcpProxy) -> redis.Redis:
    parts = urlsplit(settings.REDIS_URL)
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    return redis.Redis(
        port=proxy.port,
        password=parts.password,
        db=int(parts.path.lstrip("/") or 0),
        socket_timeout=0.5,
        socket_connect_timeout=2,
        retry=retry,
    )


def test_it_passes_and_counts_its_connections(proxy):
    one = client(proxy)
    assert one.ping() is True
    assert proxy.cut() == 1


def test_a_cut_ends_what_is_open_and_the_next_connection_works(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as one:
        one.sendall(b"PING\r\n")
        assert one.recv(100)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            one.recv(100)
    assert client(proxy).ping() is True


def test_a_black_hole_answers_nothing_and_closes_nothing(proxy):
    one = client(proxy)
    one.ping()
    proxy.weather = Weather.BLACKHOLE
    with pytest.raises(redis.TimeoutError):
        one.ping()


def test_a_swallowed_answer_was_carried_out(proxy, clean_redis):
    one = client(proxy)
    one.ping()
    proxy.weather = Weather.SWALLOW_ANSWERS
    with pytest.raises(redis.TimeoutError):
        one.set("drill:swallowed", "1")
    assert stored("drill:swallowed") == b"1"


def stored(key: str) -> object:
    return redis.Redis.from_url(settings.REDIS_URL).get(key)


def test_a_refusing_proxy_resets_old_and_new(proxy):
    old = [client(proxy) for _ in range(50)]  # many: some ask before their thread in the proxy has woken
    for one in old:
        one.ping()
    proxy.weather = Weather.REFUSE
    for asked in (*old, client(proxy)):
        with pytest.raises(redis.ConnectionError):
            asked.ping()


def test_a_delay_is_added_to_each_answer(proxy):
    proxy.delay = 0.2
    one = client(proxy)
    started = time.monotonic()
    one.ping()
    assert time.monotonic() - started >= 0.2


def test_clear_weather_ends_what_a_storm_left_half_open(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as one:
        one.sendall(b"PING\r\n")
        assert one.recv(100)
        proxy.weather = Weather.BLACKHOLE
        one.sendall(b"PING\r\n")
        deadline = time.monotonic() + 15
        while not proxy.swallowed:  # else the weather is fair again before its bytes are lost
            assert time.monotonic() < deadline
            time.sleep(0.005)
        proxy.clear()
        with pytest.raises(ConnectionResetError):
            one.recv(100)
    assert client(proxy).ping() is True


def test_the_target_is_asked_for_each_connection():
    parts = urlsplit(settings.REDIS_URL)
    known: list[tuple[str, int]] = []

    def target() -> tuple[str, int]:
        if not known:
            raise FileNotFoundError("not started yet")
        return known[0]

    with TcpProxy(target) as proxy:
        with pytest.raises(redis.ConnectionError):
            client(proxy).ping()
        known.append((parts.hostname, parts.port))
        assert client(proxy).ping() is True
