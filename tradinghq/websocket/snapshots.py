"""Snapshots are made in threads and shared: who asks while one is being made gets the next, made once for all."""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async

from apps.foundation.live_updates import Position, current_position, frames_since, snapshot_frame
from apps.market.queries import current_moment
from tradinghq.websocket.channel_registry import Channel
from tradinghq.websocket.frames import Frame

THREADS = 4
MISSED_AT_MOST = 200  # beyond that a snapshot is shorter
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="stream")


def in_thread(call: Any, *arguments: Any, **named: Any) -> Awaitable[Any]:
    """Run a blocking call (database, Redis) beside the event loop, in one of few threads of the stream's own."""
    wrapped = database_sync_to_async(call, thread_sensitive=False, executor=_threads)
    result: Awaitable[Any] = wrapped(*arguments, **named)
    return result


@dataclass(slots=True)
class _Making:
    running: "asyncio.Task[Frame]"
    following: "asyncio.Task[Frame] | None" = None


class Snapshots:
    """The snapshots of one process, one at a time for each channel."""

    def __init__(self) -> None:
        self._making: dict[str, _Making] = {}

    async def newest(self, channel: Channel) -> Frame:
        """A snapshot that was begun after this call. Raises what the room's query or Redis raises."""
        making = self._making.get(channel.name)
        if making is None:
            task = asyncio.create_task(self._make(channel))
            self._making[channel.name] = _Making(task)
            task.add_done_callback(lambda _: self._advance(channel.name))
        elif making.following is None:
            task = making.following = asyncio.create_task(self._make_after(making.running, channel))
        else:
            task = making.following
        return await asyncio.shield(task)

    async def _make_after(self, running: "asyncio.Task[Frame]", channel: Channel) -> Frame:
        await asyncio.wait([running])
        return await self._make(channel)

    def _advance(self, name: str) -> None:
        making = self._making.pop(name)
        if not making.running.cancelled():
            making.running.exception()  # told to those who wait for it; nobody may
        if making.following is not None:
            self._making[name] = _Making(making.following)
            making.following.add_done_callback(lambda _: self._advance(name))

    async def _make(self, channel: Channel) -> Frame:
        frame: Frame = await in_thread(_take, channel)
        return frame


async def missed(channel: Channel, since: Position) -> list[Frame] | None:
    """What came after ``since``; None when only a snapshot helps. Where the latest wins, the last one."""
    texts = await in_thread(frames_since, channel=channel.name, stream_id=since.stream_id, seq=since.seq)
    if texts is None or (len(texts) > MISSED_AT_MOST and not channel.latest_wins):
        return None
    frames = [
        Frame(channel.name, since.stream_id, since.seq + place, text) for place, text in enumerate(texts, start=1)
    ]
    return frames[-1:] if channel.latest_wins else frames


def _take(channel: Channel) -> Frame:
    # The position first: a frame that comes while the snapshot is made is then sent again after it, never lost.
    position = current_position(channel.name)
    moment = current_moment()
    data = channel.snapshot(moment)
    text = snapshot_frame(channel=channel.name, position=position, data=data, as_of=moment.firm)
    place = position or Position("", 0)
    return Frame(channel.name, place.stream_id, place.seq, text, first=True)
