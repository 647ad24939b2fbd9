"""Sockets on the stream, through Channels' own communicator, with real tickets, Redis and database."""

import asyncio
import itertools
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from apps.foundation import live_updates
from apps.foundation.clock import wall_now
from tests.delivery.conftest import make_user, sign_in
from tests.support.cloned_database import enter_clone, leave_clone
from tradinghq.asgi import application
from tradinghq.websocket import channel_registry

SECONDS = 8.0
_numbers = itertools.count(1)


class Socket:
    """A client that reads JSON frames and waits for them, never longer than ``SECONDS``."""

    def __init__(self, ticket, path="/ws/v1/stream/"):
        query = f"ticket={ticket}".encode()
        scope = {"type": "websocket", "path": path, "query_string": query, "headers": [], "subprotocols": []}
        self.communicator = ApplicationCommunicator(application, scope)

    async def open(self):
        answer = await self.answer()
        assert answer["type"] == "websocket.accept", answer
        return self

    async def answer(self):
        await self.communicator.send_input({"type": "websocket.connect"})
        return await self.communicator.receive_output(timeout=SECONDS)

    async def say(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def say_bytes(self, data):
        await self.communicator.send_input({"type": "websocket.receive", "bytes": data})

    async def subscribe(self, *channels, since=None):
        await self.say({"op": "subscribe", "channels": list(channels), **({"since": since} if since else {})})

    async def hear(self):
        output = await self.communicator.receive_output(timeout=SECONDS)
        assert output["type"] == "websocket.send", output
        return json.loads(output["text"])

    async def hear_until(self, wanted):
        heard = []
        while not heard or not wanted(heard[-1]):
            heard.append(await self.hear())
        return heard

    async def silent(self, seconds=0.3):
        return await self.communicator.receive_nothing(timeout=seconds)

    async def closed(self):
        while True:
            output = await self.communicator.receive_output(timeout=SECONDS)
            if output["type"] == "websocket.close":
                return output

    async def close(self):
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.communicator.wait(timeout=SECONDS)


@pytest.fixture
def stored():
    """What the rooms' snapshots read; a test changes it as an operation would."""
    return {"orders": [{"id": "o1"}], "portfolio": {"equity": "1000"}, "asked": []}


@pytest.fixture
def rooms(monkeypatch, stored):
    """The registry's own channels on rows of the test's own making; everything around them is real."""

    def snapshot(name):
        def read(moment):
            stored["asked"].append(name)
            return stored[name]

        return read

    monkeypatch.setitem(channel_registry._WHOLE, "orders", (snapshot("orders"), False))
    monkeypatch.setitem(channel_registry._WHOLE, "portfolio", (snapshot("portfolio"), True))


@pytest.fixture(scope="module")
def db(django_db_setup, django_db_blocker):
    """One cloned database with real commits for all tests of a module: each makes a user of its own.

    It takes the place and the name of pytest-django's fixture: only for that name does it make a database at all.
    """
    with django_db_blocker.unblock():
        enter_clone()
        yield
        leave_clone()


@pytest.fixture
def viewer(db, clean_redis):
    return sign_in(make_user(f"viewer-{next(_numbers)}", "viewer").username)


@pytest.fixture
async def connect(viewer, rooms):
    """``await connect()`` opens a socket as the viewer, or with the ticket given."""
    opened = []

    async def make(ticket=None):
        ticket = ticket or await new_ticket(viewer)
        opened.append(await Socket(ticket).open())
        return opened[-1]

    yield make
    for socket in opened:
        await socket.close()


def ticket_of(person):
    return person.post("/api/v1/auth/ws-ticket/").json()["ticket"]


async def new_ticket(person):
    return await database_sync_to_async(ticket_of)(person)


async def publish(channel, data, kind="delta"):
    """What an operation does after its commit."""
    return await asyncio.to_thread(
        live_updates.publish,
        channel=channel,
        kind=kind,
        data=data,
        as_of=wall_now(),
    )


async def until(condition):
    """Wait for something to become true, with a deadline."""
    async with asyncio.timeout(3 * SECONDS):
        while not condition():  # noqa: ASYNC110 - the condition lies in another process
            await asyncio.sleep(0.01)
