"""The bare part of the fan-out: one Starlette app, one Redis subscription, every message to every socket."""

import asyncio
import os
from contextlib import asynccontextmanager

import redis.asyncio as redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

sockets: set[WebSocket] = set()


async def forward() -> None:
    client = redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    async with client.pubsub() as subscription:
        await subscription.subscribe("bare")
        async for message in subscription.listen():
            if message["type"] == "message":
                text = message["data"].decode()
                for socket in list(sockets):
                    await socket.send_text(text)


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    sockets.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets.discard(socket)


@asynccontextmanager
async def lifespan(_: Starlette):
    task = asyncio.create_task(forward())
    yield
    task.cancel()


app = Starlette(routes=[WebSocketRoute("/ws", stream)], lifespan=lifespan)
