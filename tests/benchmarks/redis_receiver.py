"""The other end of a hop over Redis: ``python -m tests.benchmarks.redis_receiver question|list|frame|channel``.

It answers once when it listens, and then with the time at which each message was there to be worked on.
"""

import asyncio
import os
import sys
import time
from uuid import UUID

import orjson
import redis
import redis.asyncio

AGENT_ID = "00000000-0000-4000-8000-000000000001"
CHANNEL = "orders"
BARE_LIST, BARE_CHANNEL = "bench.bare.list", "bench.bare.channel"
ANSWERS = "bench.hops"
client = redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)


def answer() -> None:
    """Say that it is there now."""
    client.rpush(ANSWERS, time.monotonic_ns())


def receive_questions() -> None:
    """As an agent's process does."""
    from workers.agent_process.agent_settings import AgentSettings
    from workers.agent_process.question_reader import QuestionReader

    reader = QuestionReader(AgentSettings(UUID(AGENT_ID), "momentum", {}, os.environ["REDIS_URL"]))
    answer()
    while True:
        for _ in reader.next_questions():
            answer()


def receive_list() -> None:
    """Bare: one blocking read a message."""
    answer()
    while True:
        _, text = client.blpop([BARE_LIST])
        orjson.loads(text)
        answer()


async def receive_frames() -> None:
    """As the hub does."""
    import django

    django.setup()
    from channels.layers import get_channel_layer

    from apps.foundation import live_updates
    from tradinghq.websocket.frames import Frame

    layer = get_channel_layer()
    name = await layer.new_channel("hub")
    await layer.group_add(live_updates.GROUP, name)
    answer()
    while True:
        message = await layer.receive(name)
        Frame(message["channel"], message["stream_id"], message["seq"], message["frame"].decode())
        answer()


async def receive_channel() -> None:
    """Bare: one subscription."""
    async with redis.asyncio.from_url(os.environ["REDIS_URL"], socket_timeout=None).pubsub() as subscription:
        await subscription.subscribe(BARE_CHANNEL)
        async for message in subscription.listen():
            if message["type"] == "message":
                message["data"].decode()
            answer()  # also to the confirmation, which says that it listens


RECEIVERS = {
    "question": receive_questions,
    "list": receive_list,
    "frame": lambda: asyncio.run(receive_frames()),
    "channel": lambda: asyncio.run(receive_channel()),
}

if __name__ == "__main__":
    RECEIVERS[sys.argv[1]]()
