"""The hub: one subscription a process to all that is published, handed to its sockets already encoded."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import redis
import structlog
from channels.layers import get_channel_layer
from django.db import DatabaseError
from prometheus_client import Gauge

from apps.foundation import live_updates, session_revocations
from apps.foundation.live_updates import Position
from tradinghq.websocket.frames import Frame, LaneState
from tradinghq.websocket.snapshots import Snapshots, in_thread
from tradinghq.websocket.socket_queue import SocketQueue

CHECK_SECONDS = 5.0
SESSION_ENDED = 4401
HUB_FAILED = 1011
SOCKETS = Gauge("hq_stream_sockets", "Open sockets of the stream.", multiprocess_mode="livesum")
log = structlog.get_logger(__name__)


class Listener(Protocol):
    """A socket as the hub sees it."""

    queue: SocketQueue
    session_id: UUID

    def end(self, code: int, reason: str) -> None:
        """Close the socket soon; never blocks."""


class Hub:
    """Fans out frames. Nothing in the fan-out waits: a socket's own task sends what its queue holds."""

    def __init__(self) -> None:
        self.snapshots = Snapshots()
        self._listeners: set[Listener] = set()
        self._queues: dict[str, set[SocketQueue]] = defaultdict(set)
        self._seen: dict[str, Position] = {}
        self._behind: dict[str, Position] = {}
        self._away = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the channel layer and begin to listen. Raises ``redis.RedisError`` when Redis is away."""
        layer: Any = get_channel_layer()
        name = await layer.new_channel("hub")
        await layer.group_add(live_updates.GROUP, name)
        for work in (self._receive(layer, name), self._check()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def join(self, listener: Listener) -> None:
        """A socket opened."""
        self._listeners.add(listener)
        SOCKETS.set(len(self._listeners))

    def leave(self, listener: Listener) -> None:
        """A socket closed."""
        self._listeners.discard(listener)
        for name in list(listener.queue.lanes):
            self.mute(name, listener.queue)
        SOCKETS.set(len(self._listeners))

    def listen(self, channel: str, queue: SocketQueue) -> None:
        """Hand frames of ``channel`` to ``queue`` from now on."""
        self._queues[channel].add(queue)

    def mute(self, channel: str, queue: SocketQueue) -> None:
        """Hand no more frames of ``channel`` to ``queue``."""
        queues = self._queues.get(channel)
        if queues is not None:
            queues.discard(queue)
            if not queues:
                del self._queues[channel]
                self._seen.pop(channel, None)

    async def _receive(self, layer: Any, name: str) -> None:
        while True:
            message = await layer.receive(name)
            if message["type"] == live_updates.MESSAGE_TYPE:
                self._fan_out(message)
            elif message["type"] == session_revocations.MESSAGE_TYPE:
                self._end_sessions({UUID(each) for each in message["session_ids"]})

    def _fan_out(self, message: dict[str, Any]) -> None:
        channel = message["channel"]
        queues = self._queues.get(channel)
        if not queues:
            return
        frame = Frame(channel, message["stream_id"], message["seq"], message["frame"].decode())
        self._seen[channel] = Position(frame.stream_id, frame.seq)
        for queue in queues:
            queue.offer(frame)

    def _end_sessions(self, ended: set[UUID]) -> None:
        for listener in [each for each in self._listeners if each.session_id in ended]:
            listener.end(SESSION_ENDED, "This session has ended. Sign in again.")

    async def _check(self) -> None:
        """Find what a lost message would hide: frames that passed us by, sessions that ended."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check_positions()
                await self._check_sessions()
            except redis.RedisError as error:
                self._note_away(error)
            except DatabaseError as error:
                log.warning("stream_check_failed", reason=str(error))

    async def _check_positions(self) -> None:
        channels = list(self._queues)
        stand: dict[str, Position | None] = await in_thread(_positions, channels)
        back, self._away = self._away, False
        if back:
            log.info("live_updates_back", channels=len(channels))
            self._start_over(channels)
            return
        behind: dict[str, Position] = {}
        for channel, position in stand.items():
            seen = self._seen.get(channel)
            if position is None:
                if seen is not None:  # Redis came back empty
                    self._seen.pop(channel)
                    self._start_over([channel])
            elif seen is None or seen.stream_id != position.stream_id or seen.seq < position.seq:
                behind[channel] = position
                if self._behind.get(channel) is not None and self._is_late(channel, self._behind[channel]):
                    self._catch_up(channel)
        self._behind = behind

    def _is_late(self, channel: str, position: Position) -> bool:
        seen = self._seen.get(channel)
        return seen is None or seen.stream_id != position.stream_id or seen.seq < position.seq

    def _catch_up(self, channel: str) -> None:
        """Lanes behind the place that Redis holds fetch what they missed."""
        position = self._behind[channel]
        self._seen[channel] = position
        for queue in self._queues.get(channel, ()):
            lane = queue.lanes[channel]
            late = lane.stream_id != position.stream_id or lane.queued < position.seq
            if lane.state is LaneState.LIVE and late:
                queue.mark_gap(lane)

    def _start_over(self, channels: Iterable[str]) -> None:
        """Frames may have been lost unseen: every lane gets a fresh snapshot."""
        for channel in channels:
            for queue in self._queues.get(channel, ()):
                lane = queue.lanes[channel]
                if lane.state is LaneState.LIVE:
                    lane.stream_id = ""
                    queue.mark_gap(lane)

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("live_updates_away", reason=str(error))
        self._away = True

    async def _check_sessions(self) -> None:
        sessions = {each.session_id for each in self._listeners}
        if sessions:
            living: set[UUID] = await in_thread(session_revocations.living, sessions)
            self._end_sessions(sessions - living)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A loop of the hub ended: with the process, or by a fault, which closes the sockets: clients come again."""
        for other in self._tasks:
            other.cancel()
        if task.cancelled():
            return
        log.error("stream_hub_failed", exc_info=task.exception())
        _hubs.pop(task.get_loop(), None)
        for listener in list(self._listeners):
            listener.end(HUB_FAILED, "The stream starts anew. Connect again.")


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Hub]]" = WeakKeyDictionary()


async def hub_of_this_process() -> Hub:
    """The hub, started at first use. Raises ``redis.RedisError`` when Redis is away; the next call tries again."""
    loop = asyncio.get_running_loop()
    starting = _hubs.get(loop)
    if starting is None:
        starting = _hubs[loop] = loop.create_task(_start())
    try:
        return await asyncio.shield(starting)
    except redis.RedisError:
        if _hubs.get(loop) is starting:
            del _hubs[loop]
        raise


async def _start() -> Hub:
    hub = Hub()
    await hub.start()
    return hub


def _positions(channels: list[str]) -> dict[str, Position | None]:
    return {channel: live_updates.current_position(channel) for channel in channels}
