"""What waits for one socket. Bounded: a slow client loses frames, honestly, and never holds up anybody else."""

import asyncio
from collections import deque
from collections.abc import Callable

from tradinghq.websocket.channel_registry import Channel
from tradinghq.websocket.frames import Frame, Lane, LaneState

LANE_LIMIT = 256
NOTICE_LIMIT = 64


class SocketQueue:
    """The lanes of one socket and one queue over all of them, in the order of arrival.

    Where the latest wins one frame waits at most and is replaced by a newer one. Elsewhere ``LANE_LIMIT`` frames wait;
    beyond that the lane drops what waits and asks for a snapshot once the client reads again.
    """

    def __init__(self, send_now: Callable[[dict[str, str]], None] | None = None) -> None:
        self.lanes: dict[str, Lane] = {}
        self.busy = False  # a frame is on its way out; others wait behind it
        self.closed = False
        self._send_now = send_now
        self.overrun = False  # too many notices wait: the client sends and does not read
        self._queue: deque[tuple[Lane, Frame | None] | str] = deque()
        self._notices = 0
        self._wake = asyncio.Event()

    def add_lane(self, channel: Channel) -> Lane:
        """A fresh lane for ``channel``; what waited of an earlier one is dropped."""
        self.remove_lane(channel.name)
        lane = self.lanes[channel.name] = Lane(channel)
        return lane

    def remove_lane(self, name: str) -> None:
        """Forget a channel and what waits of it."""
        lane = self.lanes.pop(name, None)
        if lane is not None:
            self._drop(lane)
            lane.primings += 1  # a snapshot in the making is for nobody now

    def offer(self, frame: Frame) -> None:
        """Take a frame of the hub: hold, queue, skip as known, or note a gap."""
        lane = self.lanes.get(frame.channel)
        if lane is None or self.closed or lane.state is LaneState.GAP:
            return
        if self._passes(lane, frame):
            lane.queued = lane.sent = frame.seq
            self._send_now(frame.message)  # type: ignore[misc]
        elif lane.state is LaneState.PRIMING:
            lane.hold(frame)
        elif not lane.is_old(frame):
            self._queue_live(lane, frame)

    def start(self, lane: Lane, frames: list[Frame]) -> None:
        """End a priming: queue ``frames`` (a snapshot, or what was missed), then what was held since."""
        lane.state = LaneState.LIVE
        for frame in frames:
            if frame.first:
                self._drop(lane)
                lane.stream_id, lane.queued = frame.stream_id, frame.seq
                self._put(lane, frame)
            else:
                self._queue_live(lane, frame)
        held, lane.held = list(lane.held), type(lane.held)(maxlen=lane.held.maxlen)
        for frame in held:
            self.offer(frame)
        self._wake.set()  # also without frames: a gap found on the way must be seen

    def note(self, text: str) -> None:
        """Queue an answer that belongs to no lane: an error, a pong."""
        if self._notices >= NOTICE_LIMIT:
            self.overrun = True
        else:
            self._notices += 1
            self._queue.append(text)
        self._wake.set()

    def gaps(self) -> list[Lane]:
        """The lanes that must be primed before anything more can be sent on them."""
        return [lane for lane in self.lanes.values() if lane.state is LaneState.GAP]

    def mark_gap(self, lane: Lane) -> None:
        """Frames were missed: the lane waits for its priming."""
        lane.state = LaneState.GAP
        self._wake.set()

    def take(self) -> str | None:
        """The next text to send; None when nothing waits."""
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, str):
                self._notices -= 1
                return item
            lane, frame = item
            if frame is None:
                frame, lane.newest = lane.newest, None
            else:
                lane.waiting -= 1
            if frame is not None:
                text = frame.text if frame.first else frame.following(lane.sent)
                lane.sent = frame.seq
                return text
        return None

    async def wait(self) -> None:
        """Until there may be something to send or to prime."""
        await self._wake.wait()
        self._wake.clear()

    def wake(self) -> None:
        """Have the sender look again."""
        self._wake.set()

    def _passes(self, lane: Lane, frame: Frame) -> bool:
        """Whether nothing waits and ``frame`` is the very next one: most frames of a client that keeps up."""
        return (
            self._send_now is not None
            and not self.busy
            and not self._queue
            and lane.state is LaneState.LIVE
            and frame.seq == lane.sent + 1
            and frame.stream_id == lane.stream_id
        )

    def _queue_live(self, lane: Lane, frame: Frame) -> None:
        if not lane.follows(frame):
            self.mark_gap(lane)
            return
        lane.queued = frame.seq
        if lane.channel.latest_wins:
            self._replace(lane, frame)
        elif lane.waiting >= LANE_LIMIT:
            self._drop(lane)
            lane.stream_id = ""  # too far behind to resume: a snapshot is shorter
            self.mark_gap(lane)
        else:
            self._put(lane, frame)

    def _put(self, lane: Lane, frame: Frame) -> None:
        lane.waiting += 1
        self._queue.append((lane, frame))
        self._wake.set()

    def _replace(self, lane: Lane, frame: Frame) -> None:
        if lane.newest is None:
            self._queue.append((lane, None))
            self._wake.set()
        lane.newest = frame

    def _drop(self, lane: Lane) -> None:
        if lane.waiting or lane.newest is not None:
            self._queue = deque(item for item in self._queue if isinstance(item, str) or item[0] is not lane)
            lane.waiting, lane.newest = 0, None
