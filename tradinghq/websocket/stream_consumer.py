"""One socket of ``/ws/v1/stream/``: lets in by ticket, takes subscriptions, sends what its queue holds."""

import asyncio
import types
from collections import deque
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import orjson
import redis
import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch
from django.db import DatabaseError

from apps.foundation.errors import HQError, NotReady, Refused
from apps.foundation.live_updates import Position
from apps.foundation.permissions import suffices
from apps.foundation.session_revocations import is_revoked
from apps.foundation.stream_tickets import StreamPass, redeem_ticket
from tradinghq.websocket.channel_registry import find_channel
from tradinghq.websocket.client_messages import MOST_CHANNELS, Subscribe, Unsubscribe, read_message
from tradinghq.websocket.frames import Frame, Lane
from tradinghq.websocket.hub import HUB_FAILED, SESSION_ENDED, Hub, hub_of_this_process
from tradinghq.websocket.snapshots import in_thread, missed
from tradinghq.websocket.socket_queue import SocketQueue

AWAY = 1013
FLOODING = 4429
FLOOD_MESSAGES = 100
FLOOD_SECONDS = 10.0
RETRY_SECONDS = 2.0
log = structlog.get_logger(__name__)


class StreamConsumer(AsyncWebsocketConsumer):
    """One socket. It has no channel of its own on the layer: the hub has one for all."""

    session_id: UUID

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self.base_send, self.channel_layer = scope, send, None
        self.queue = SocketQueue(self._send_now)
        self.hub: Hub | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._said: deque[float] = deque(maxlen=FLOOD_MESSAGES)
        try:
            await await_many_dispatch([receive], self.dispatch)
        except StopConsumer:
            pass
        finally:
            if self.hub is not None:
                self.hub.leave(self)
            for task in self._tasks:
                task.cancel()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Unlike the parent's, it looks after no database connection: this consumer touches none in its own thread.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        """Accept first, so that a browser can read why it was refused: a refusal before that reaches it as 1006."""
        await self.accept()
        ticket = parse_qs(self.scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        try:
            bearer = await in_thread(_let_in, ticket)
            if bearer is None:
                await self._refuse("ticket_not_valid", "This ticket is unknown, used or over 30 s old.")
                return
            self.hub = await hub_of_this_process()
        except (redis.RedisError, DatabaseError) as error:
            log.warning("stream_not_opened", reason=str(error))
            await self.send(text_data=_error("live_updates_away", "Live updates are away. Connect again soon."))
            await self.close(AWAY)
            return
        self.session_id, self.bearer = bearer.session_id, bearer
        self.hub.join(self)
        self._begin(self._send_all())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        """Do what the client asks; answer what can't be done with an error."""
        if self.hub is None or self._floods():
            return
        try:
            message = read_message(text_data)
            if isinstance(message, Subscribe):
                for name in message.channels:
                    self._answer_refusal(name, lambda name=name: self._subscribe(name, message.since.get(name)))
            elif isinstance(message, Unsubscribe):
                for name in message.channels:
                    self._forget(name)
            else:
                self.queue.note('{"type":"pong"}')
        except Refused as error:
            self.queue.note(_error(error.code, error.message))

    async def disconnect(self, code: int) -> None:
        """Nothing is left to do here: ``__call__`` cleans up on every way out."""

    def end(self, code: int, reason: str) -> None:
        """Close the socket soon, with what waits unsent."""
        self.queue.closed = True
        self._begin(self.close(code, reason))

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message.get("code", 1006))
        raise StopConsumer

    async def _refuse(self, code: str, detail: str) -> None:
        await self.send(text_data=_error(code, detail))
        await self.close(SESSION_ENDED, code)

    def _answer_refusal(self, name: str, act: Any) -> None:
        try:
            act()
        except Refused as error:
            self.queue.note(_error(error.code, error.message, name))

    def _subscribe(self, name: str, since: Position | None) -> None:
        channel = find_channel(name)
        if not suffices(self.bearer.role, channel.role):
            raise Refused(f"{name} needs the role {channel.role}; yours is {self.bearer.role}.", code="role_too_low")
        if len(self.queue.lanes) >= MOST_CHANNELS and name not in self.queue.lanes:
            raise Refused(f"At most {MOST_CHANNELS} channels on one socket.", code="too_many_channels")
        lane = self.queue.add_lane(channel)
        if since is not None:
            lane.stream_id, lane.sent = since.stream_id, since.seq
        assert self.hub is not None
        self.hub.listen(name, self.queue)
        self.queue.mark_gap(lane)

    def _forget(self, name: str) -> None:
        assert self.hub is not None
        self.hub.mute(name, self.queue)
        self.queue.remove_lane(name)

    def _floods(self) -> bool:
        now = asyncio.get_running_loop().time()
        full = len(self._said) == FLOOD_MESSAGES and now - self._said[0] < FLOOD_SECONDS
        self._said.append(now)
        if full or self.queue.overrun:
            self.end(FLOODING, f"More than {FLOOD_MESSAGES} messages in {FLOOD_SECONDS:.0f} s.")
            return True
        return False

    async def _send_all(self) -> None:
        """The only sender of this socket; a slow client holds up this task and nothing else."""
        while True:
            await self.queue.wait()
            if self.queue.busy:
                continue  # what sends now wakes us when it is done
            self.queue.busy = True
            try:
                while not self.queue.closed and (text := self.queue.take()) is not None:
                    await self.base_send({"type": "websocket.send", "text": text})
            except OSError:
                self.queue.closed = True
                return  # the client is gone; the receiving side ends this socket
            self.queue.busy = False
            for lane in self.queue.gaps():
                self._begin(self._prime(lane, lane.start_priming()))

    def _send_now(self, message: dict[str, str]) -> None:
        """Send without a switch of tasks, as far as the transport takes it at once; a task waits for the rest."""
        sending = self.base_send(message)
        try:
            waiting = sending.send(None)
        except StopIteration:
            return
        except (OSError, RuntimeError):  # gone or closing: never the hub's trouble
            self.queue.closed = True
            return
        self.queue.busy = True
        self._begin(self._send_rest(sending, waiting))

    async def _send_rest(self, sending: Any, waiting: Any) -> None:
        try:
            await _rest_of(sending, waiting)
        except OSError:
            self.queue.closed = True
        self.queue.busy = False
        self.queue.wake()

    async def _prime(self, lane: Lane, number: int) -> None:
        lane.queued = lane.sent
        try:
            frames = await self._frames_for(lane)
        except (redis.RedisError, DatabaseError, NotReady) as error:
            log.warning("snapshot_not_made", channel=lane.channel.name, reason=str(error))
            self.queue.note(_error("snapshot_not_ready", "This can't be shown yet; it follows.", lane.channel.name))
            await asyncio.sleep(RETRY_SECONDS)
            if lane.primings == number:
                self.queue.mark_gap(lane)
            return
        except HQError as error:
            if lane.primings == number:
                self._forget(lane.channel.name)
                self.queue.note(_error(error.code, error.message, lane.channel.name))
            return
        if lane.primings == number:
            self.queue.start(lane, frames)

    async def _frames_for(self, lane: Lane) -> list[Frame]:
        since = lane.position
        frames = await missed(lane.channel, since) if since is not None else None
        if frames is None:
            assert self.hub is not None
            frames = [await self.hub.snapshots.newest(lane.channel)]
        return frames

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
            log.error("stream_socket_failed", exc_info=error)
            self.end(HUB_FAILED, "Something failed here. Connect again.")


@types.coroutine
def _rest_of(sending: Any, waiting: Any) -> Generator[Any, Any, None]:
    """Await what is left of a coroutine that was begun outside a task and now waits for ``waiting``."""
    try:
        while True:
            yield waiting
            waiting = sending.send(None)
    except StopIteration:
        return
    finally:
        sending.close()


class UnknownSocket(AsyncWebsocketConsumer):
    """Every other WebSocket address: refused before it is accepted."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG002
        await receive()
        await send({"type": "websocket.close", "code": 4404})


def _let_in(ticket: str) -> StreamPass | None:
    bearer = redeem_ticket(ticket) if ticket else None
    return None if bearer is None or is_revoked(bearer.session_id) else bearer


def _error(code: str, detail: str, channel: str | None = None) -> str:
    body: dict[str, Any] = {"type": "error", "code": code, "detail": detail}
    if channel is not None:
        body["channel"] = channel[:80]
    return orjson.dumps(body).decode()
