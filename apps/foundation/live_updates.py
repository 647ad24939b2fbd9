"""Live updates: numbered frames a client can resume from. The only caller of the channel layer's group.

One script on Redis's side numbers the frame, keeps it among the channel's last 1,000 and publishes it to the hubs, in
one round trip: what the channel layer's ``group_send`` would publish, without its event loop. A hub gets the message
``{"type": "hub.frame", "channel": str, "stream_id": str, "seq": int, "frame": bytes}``; ``frame`` is the JSON text
for the socket.
"""

from collections import Counter as Counted
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import uuid4

import orjson
import redis
import structlog
from django.conf import settings
from prometheus_client import Counter

from apps.foundation import redis_pool

GROUP = "hubs"
MESSAGE_TYPE = "hub.frame"
FRAMES_KEPT = 1_000
KEPT_SECONDS = 24 * 3600  # after the last frame; a client that comes back later starts from a snapshot
PUBLISHED = Counter("hq_live_frames_total", "Frames published to the hubs.", ["channel"])
LOST = Counter("hq_live_frames_lost_total", "Frames that could not be published because Redis was away.", ["channel"])
log = structlog.get_logger(__name__)

# KEYS: position (hash), frames (list). ARGV: candidate stream id, frame up to the stream id, frame after prev_seq,
# the layer's channel, type and channel of the message, frames kept, seconds kept. The message is msgpack as the layer
# packs it: a map of five entries, the frame as bytes.
_PUBLISH = """
local stream = redis.call('HGET', KEYS[1], 'stream_id')
if not stream then
  stream = ARGV[1]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'stream_id', stream, 'seq', 0)
end
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
local frame = ARGV[2] .. stream .. '","seq":' .. string.format('%d', seq) .. ',"prev_seq":'
  .. string.format('%d', seq - 1) .. ARGV[3]
redis.call('RPUSH', KEYS[2], frame)
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[7]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[8])
redis.call('PUBLISH', ARGV[4], string.char(0x85) .. cmsgpack.pack('type', ARGV[5], 'channel', ARGV[6],
  'stream_id', stream, 'seq', seq, 'frame') .. struct.pack('>BI4', 0xc6, #frame) .. frame)
return {stream, seq}
"""

# Answers {stream id, seq, frames after ARGV[2]}; no frames where the stream is another one or too many were missed.
_SINCE = """
local position = redis.call('HMGET', KEYS[1], 'stream_id', 'seq')
if not position[1] then return {} end
local missed = tonumber(position[2]) - tonumber(ARGV[2])
if position[1] ~= ARGV[1] or missed < 0 or missed > redis.call('LLEN', KEYS[2]) then
  return {position[1], position[2], false}
end
if missed == 0 then return {position[1], position[2], {}} end
return {position[1], position[2], redis.call('LRANGE', KEYS[2], -missed, -1)}
"""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's numbered frames."""

    stream_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Update:
    """What a channel is to be told. ``data`` is JSON-ready, decimals as strings."""

    channel: str
    kind: Literal["delta", "snapshot"]
    data: Any
    as_of: datetime

    @property
    def arguments(self) -> list[Any]:
        """What the script takes of it."""
        kind, data = self.kind.encode(), orjson.dumps(self.data)
        tail = b',"type":"%b","as_of":%b,"data":%b}' % (kind, _time(self.as_of), data)
        frame = [uuid4().hex, b'{"channel":%b,"stream_id":"' % orjson.dumps(self.channel), tail]
        return [*frame, _layer_channel(), MESSAGE_TYPE, self.channel, FRAMES_KEPT, KEPT_SECONDS]


def publish(*, channel: str, kind: Literal["delta", "snapshot"], data: Any, as_of: datetime) -> Position | None:
    """Number, keep and send one frame; its position, or None when Redis is away (logged and counted, never raised).

    A silent Redis costs a second: who tells of a bar or an order has more to do. ``data`` is JSON-ready, decimals as
    strings. It leaves at once: call it after commit.
    """
    try:
        arguments = Update(channel, kind, data, as_of).arguments
        answer: Any = _scripts()["publish"](keys=_keys(channel), args=arguments, client=redis_pool.quick_client())
    except redis.RedisError as error:
        LOST.labels(channel=_kind(channel)).inc()
        log.warning("live_frame_lost", channel=channel, reason=str(error))
        return None
    PUBLISHED.labels(channel=_kind(channel)).inc()
    return Position(answer[0], int(answer[1]))


def publish_all(updates: Iterable[Update]) -> None:
    """``publish`` of many in one round trip. Redis away: logged and counted, never raised."""
    told = list(updates)
    pipeline = redis_pool.quick_client().pipeline(transaction=False)
    for update in told:
        _scripts()["publish"](keys=_keys(update.channel), args=update.arguments, client=pipeline)
    try:
        pipeline.execute()
    except redis.RedisError as error:
        log.warning("live_frames_lost", frames=len(told), reason=str(error))
        counter = LOST
    else:
        counter = PUBLISHED
    for kind, frames in Counted(_kind(update.channel) for update in told).items():
        counter.labels(channel=kind).inc(frames)


def frames_since(*, channel: str, stream_id: str, seq: int) -> list[str] | None:
    """The frames after ``seq`` of that stream, oldest first, as JSON texts.

    None: a snapshot is needed, since the stream is another one, was never there, or has moved on by more than is kept.
    Raises ``redis.RedisError`` when Redis is away.
    """
    answer: list[Any] = _scripts()["since"](keys=_keys(channel), args=[stream_id, seq], client=redis_pool.client())
    return answer[2] if answer else None


def current_position(channel: str) -> Position | None:
    """Where the channel stands; None before its first frame. Read it before the snapshot that it shall stand for.

    Raises ``redis.RedisError`` when Redis is away.
    """
    position: Any = redis_pool.client().hgetall(_keys(channel)[0])
    return Position(position["stream_id"], int(position["seq"])) if position else None


def snapshot_frame(*, channel: str, position: Position | None, data: Any, as_of: datetime) -> str:
    """The frame that starts a client off: a snapshot as of ``position``; frames after it continue it.

    Without a position (nothing was published yet) it carries an empty stream id and 0.
    """
    place = position or Position("", 0)
    frame = {
        "channel": channel,
        "stream_id": place.stream_id,
        "seq": place.seq,
        "prev_seq": place.seq,
        "type": "snapshot",
        "as_of": orjson.Fragment(_time(as_of)),
        "data": data,
    }
    return orjson.dumps(frame).decode()


@lru_cache(maxsize=1)
def _scripts() -> dict[str, Any]:
    client = redis_pool.client()  # sends a script once, then its digest
    return {"publish": client.register_script(_PUBLISH), "since": client.register_script(_SINCE)}


def _keys(channel: str) -> tuple[str, str]:
    return f"live:{channel}:position", f"live:{channel}:frames"


def _kind(channel: str) -> str:
    return channel.partition(":")[0]


def _time(at: datetime) -> bytes:
    return b'"%b"' % at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


@lru_cache(maxsize=1)
def _layer_channel() -> str:
    layers: dict[str, Any] = settings.CHANNEL_LAYERS
    return f"{layers['default']['CONFIG']['prefix']}__group__{GROUP}"
