"""The stream on a real uvicorn: many sockets, one of them blocked, a cut connection to Redis, and silence."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import websockets
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connection

from tests.delivery.conftest import PASSWORD
from tests.delivery.stream.conftest import new_ticket, publish, until
from tests.support.own_redis import OwnRedis

START_SECONDS = 60
BLOCKED_BYTES = 40_000


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def web_process(redis_url, log=Path(os.devnull)):
    """The web process as ``make run`` starts it, on the module's database."""
    address = urlsplit(settings.DATABASE_URL)
    database = urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}"))
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tradinghq.asgi:application", "--port", str(port)]
    manners = ["--log-level", "warning", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "1"]
    environment = {**os.environ, "DATABASE_URL": database, "REDIS_URL": redis_url}
    with log.open("w") as stream:
        process = subprocess.Popen([*command, *manners], env=environment, stdout=stream)
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"{base}/healthz"):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=15)


@pytest.fixture(scope="module")
def server(db):
    with web_process(settings.REDIS_URL) as base:
        yield base


def answers(url):
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


async def opened(server, viewer):
    ticket = await new_ticket(viewer)
    return await websockets.connect(f"{server.replace('http', 'ws')}/ws/v1/stream/?ticket={ticket}", max_queue=None)


async def hear(client, seconds=10):
    return json.loads(await asyncio.wait_for(client.recv(), seconds))


async def subscribed(server, viewer, *channels):
    client = await opened(server, viewer)
    await client.send(json.dumps({"op": "subscribe", "channels": list(channels)}))
    for _ in channels:
        frame = await hear(client)
        assert frame["type"] == "snapshot", frame
    return client


async def test_a_refused_browser_can_read_why(server):
    client = await websockets.connect(f"{server.replace('http', 'ws')}/ws/v1/stream?ticket=nonsense")
    assert (await hear(client))["code"] == "ticket_not_valid"
    with pytest.raises(websockets.ConnectionClosed):
        await client.recv()
    assert client.close_code == 4401


async def blocked_socket(server, viewer):
    """A client that shakes hands, subscribes and never reads again, with a small window."""
    address = urlsplit(server)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, (address.hostname, address.port))
    head = (
        f"GET /ws/v1/stream/?ticket={await new_ticket(viewer)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await loop.sock_sendall(raw, head.encode())
    assert b"101" in await loop.sock_recv(raw, 4096)
    said = json.dumps({"op": "subscribe", "channels": ["orders"]}).encode()
    masked = bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said  # a mask of zeros changes nothing
    await loop.sock_sendall(raw, masked)
    await asyncio.wait_for(loop.sock_recv(raw, 10), 10)  # its snapshot has come: it is subscribed
    return raw


async def test_a_blocked_client_slows_nobody(server, viewer):
    await publish("orders", {"id": 0})
    good = [await subscribed(server, viewer, "orders") for _ in range(5)]
    bad = await blocked_socket(server, viewer)
    delays = []
    for number in range(600):
        began = time.perf_counter()
        await publish("orders", {"id": number, "text": "x" * BLOCKED_BYTES})
        frames = await asyncio.gather(*(hear(client) for client in good))
        delays.append(time.perf_counter() - began)
        assert {frame["data"]["id"] for frame in frames} == {number}
    assert sorted(delays)[len(delays) // 2] < 0.25  # none waited for the blocked one, which would take forever
    for client in good:
        await client.close()
    bad.close()


async def test_frames_arrive_complete_and_in_order_on_many_sockets(server, viewer):
    await publish("orders", {"id": "first"})
    clients = [await subscribed(server, viewer, "orders") for _ in range(30)]
    positions = [await publish("orders", {"id": number}) for number in range(100)]

    async def all_of(client):
        return [(frame["seq"], frame["prev_seq"]) for frame in [await hear(client) for _ in positions]]

    heard = await asyncio.gather(*(all_of(client) for client in clients))
    assert all(each == [(place.seq, place.seq - 1) for place in positions] for each in heard)
    for client in clients:
        await client.close()


async def test_a_redis_connection_that_is_cut_is_made_up_for(server, viewer, clean_redis):
    await publish("orders", {"id": "before"})
    client = await subscribed(server, viewer, "orders")
    clean_redis.client_kill_filter(_type="pubsub", skipme=True)
    place = await publish("orders", {"id": "unheard"})
    frame = await hear(client, 20)  # the hub's subscription comes back, or its check finds what it missed
    assert (frame["seq"], frame["data"]) == (place.seq, {"id": "unheard"})
    await client.close()


async def test_idle_sockets_live_past_the_redis_client_default_timeout(server, viewer):
    """redis-py gives up an idle read after 5 s by default, which used to close idle sockets."""
    await publish("orders", {"id": "before"})
    client = await subscribed(server, viewer, "orders")
    with pytest.raises(TimeoutError):
        await hear(client, 6.5)
    await publish("orders", {"id": "after"})
    assert (await hear(client))["data"] == {"id": "after"}
    await client.close()


async def test_a_redis_that_was_away_is_followed_by_fresh_snapshots(viewer, tmp_path):
    """What changed meanwhile was published to nobody, so every screen is shown anew without asking."""
    own = OwnRedis(tmp_path)
    own.start()
    log = tmp_path / "web.log"
    await database_sync_to_async(give_password)(viewer.username)
    try:
        with web_process(own.url, log) as base:
            client = await signed_in(base, viewer)
            await client.send(json.dumps({"op": "subscribe", "channels": ["orders"]}))
            assert (await hear(client))["type"] == "snapshot"
            own.stop()
            await until(lambda: "live_updates_away" in log.read_text())  # the hub has met the silence
            own.start()
            frame = await hear(client, 30)
            assert (frame["type"], frame["channel"]) == ("snapshot", "orders")
            await client.send(json.dumps({"op": "ping"}))
            assert await hear(client) == {"type": "pong"}
            await client.close()
            await (await signed_in(base, viewer)).close()
    finally:
        own.stop()


async def signed_in(base, viewer):
    """A socket by way of the server's own doors, as a browser opens it."""
    async with httpx.AsyncClient(base_url=f"{base}/api/v1/auth/") as http:
        given = await http.post("token/", json={"username": viewer.username, "password": PASSWORD}, timeout=20)
        bearer = {"Authorization": f"Bearer {given.json()['access']}"}
        ticket = (await http.post("ws-ticket/", headers=bearer, timeout=20)).json()["ticket"]
    return await websockets.connect(f"{base.replace('http', 'ws')}/ws/v1/stream/?ticket={ticket}")


def give_password(username):
    """Hashed as the server hashes; the tests' own passwords are hashed faster."""
    encoded = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-test")
    User.objects.filter(username=username).update(password=encoded)
