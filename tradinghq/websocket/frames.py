"""A frame on its way to a socket, and the lane that keeps one channel of one socket in order."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from apps.foundation.live_updates import Position
from tradinghq.websocket.channel_registry import Channel

HELD_AT_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame. ``first`` marks one that starts its lane anew and follows nothing."""

    channel: str
    stream_id: str
    seq: int
    text: str
    first: bool = False
    message: dict[str, str] = field(init=False, compare=False)  # made once for all sockets

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", {"type": "websocket.send", "text": self.text})

    def following(self, previous: int) -> str:
        """The text, saying honestly which frame this socket got before it."""
        if previous == self.seq - 1:
            return self.text
        return self.text.replace(f'"prev_seq":{self.seq - 1},', f'"prev_seq":{previous},', 1)


class LaneState(Enum):
    """PRIMING: a snapshot is being made, frames are held. LIVE: frames pass. GAP: some were missed."""

    PRIMING = 1
    LIVE = 2
    GAP = 3


@dataclass(slots=True, eq=False)
class Lane:
    """One channel of one socket: what was queued last, what was sent last, what is held meanwhile."""

    channel: Channel
    state: LaneState = LaneState.GAP
    stream_id: str = ""
    queued: int = 0  # seq of the last frame queued
    sent: int = 0  # seq of the last frame sent
    waiting: int = 0  # frames of this lane in the socket's queue
    newest: Frame | None = None  # the one waiting frame of a channel where the latest wins
    held: deque[Frame] = field(default_factory=lambda: deque(maxlen=HELD_AT_MOST))
    primings: int = 0

    def start_priming(self) -> int:
        """Hold frames from now on; the number of this priming."""
        self.state = LaneState.PRIMING
        self.held.clear()
        self.primings += 1
        return self.primings

    def hold(self, frame: Frame) -> None:
        """Keep a frame until the snapshot before it is queued; where the latest wins only that one."""
        if self.channel.latest_wins:
            self.held.clear()
        self.held.append(frame)

    def follows(self, frame: Frame) -> bool:
        """Whether ``frame`` continues this lane without a gap (a gap is fine where the latest wins)."""
        if frame.stream_id != self.stream_id:
            return False
        return frame.seq == self.queued + 1 or self.channel.latest_wins

    def is_old(self, frame: Frame) -> bool:
        """Whether this socket has ``frame`` already."""
        return frame.stream_id == self.stream_id and frame.seq <= self.queued

    @property
    def position(self) -> Position | None:
        """Where the client stands, for a resume; None when it has nothing yet."""
        return Position(self.stream_id, self.sent) if self.stream_id else None
