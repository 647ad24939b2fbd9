"""Live updates: numbered frames a client can resume from. The only caller of the channel layer's group.

One script on Redis's side numbers the frame, keeps it among the channel's last 1,000 and publishes it to the hubs, in one
round trip: what the channel layer's ``group_send`` would publish, without its event loop. A hub gets the message
``{"type": "hub.frame", "channel": str, "stream_id": str, "seq": int, "frame": bytes}``; ``frame`` is the JSON text for the socket.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import uuid4

import msgpack
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
# layer's channel, message head, frames kept, seconds kept. The message is msgpack, byte for byte as the layer packs it.
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
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[6]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[7])
redis.call('PUBLISH', ARGV[4], ARGV[5] .. cmsgpack.pack(stream) .. cmsgpack.pack('seq') .. cmsgpack.pack(seq)
  .. cmsgpack.pack('frame') .. struct.pack('>BI4', 0xc6, #frame) .. frame)
return {stream, seq}
"""

# Answers {stream id, seq, frames after ARGV[2]}; no frames where the stream is another one or too many were missed.
_SINCE = """
local position = redis.call('HMGET', KEYS[1], 'stream_id', 'seq')
if not position[1] then return {} end
local missed = tonumber(position[2]) - tonumber(ARGV[2])
if position[1] ~= ARGV[1] or missed < 0 or missed > redis.call('LLEN', KEYS[2]) then return {position[1], position[2], false} end
if missed == 0 then return {position[1], position[2], {}} end
return {position[1], position[2], redis.call('LRANGE', KEYS[2], -missed, -1)}
"""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's numbered frames."""

    stream_id: str
    seq: int


def publish(*, channel: str, kind: Literal["delta", "snapshot"], data: Any, as_of: datetime) -> Position | None:
    """Number, keep and send one frame; its position, or None when Redis is away (logged and counted, never raised).

    ``data`` is JSON-ready, decimals as strings. It leaves at once: call it after commit.
    """
    tail = b',"type":"%b","as_of":%b,"data":%b}' % (kind.encode(), _time(as_of), orjson.dumps(data))
    try:
        stream_id, seq = _scripts().publish(
            keys=_keys(channel),
            args=[
                uuid4().hex,
                _head(channel),
                tail,
                _layer_channel(),
                _message_head(channel),
                FRAMES_KEPT,
                KEPT_SECONDS,
            ],
        )
    except redis.RedisError as error:
        LOST.labels(channel=_kind(channel)).inc()
        log.warning("live_frame_lost", channel=channel, reason=str(error))
        return None
    PUBLISHED.labels(channel=_kind(channel)).inc()
    return Position(stream_id, int(seq))


def frames_since(*, channel: str, stream_id: str, seq: int) -> list[str] | None:
    """The frames after ``seq`` of that stream, oldest first, as JSON texts.

    None: a snapshot is needed, since the stream is another one, was never there, or has moved on by more than is kept.
    Raises ``redis.RedisError`` when Redis is away.
    """
    answer = _scripts().since(keys=_keys(channel), args=[stream_id, seq])
    if not answer or answer[2] is None:
        return None
    frames: list[str] = answer[2]
    return frames


def current_position(channel: str) -> Position | None:
    """Where the channel stands; None before its first frame. Read it before the snapshot that it shall stand for.

    Raises ``redis.RedisError`` when Redis is away.
    """
    stream_id, seq = redis_pool.client().hmget(_keys(channel)[0], ["stream_id", "seq"])
    return Position(stream_id, int(seq)) if stream_id else None


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


class _Scripts:
    """The two scripts, sent by digest."""

    def __init__(self) -> None:
        client = redis_pool.client()
        self.publish = client.register_script(_PUBLISH)
        self.since = client.register_script(_SINCE)


@lru_cache(maxsize=1)
def _scripts() -> _Scripts:
    return _Scripts()


def _keys(channel: str) -> list[str]:
    return [f"live:{channel}:position", f"live:{channel}:frames"]


def _kind(channel: str) -> str:
    return channel.partition(":")[0]


def _time(at: datetime) -> bytes:
    return b'"%b"' % at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def _head(channel: str) -> bytes:
    return b'{"channel":%b,"stream_id":"' % orjson.dumps(channel)


def _message_head(channel: str) -> bytes:
    entries = [msgpack.packb(text) for text in ("type", MESSAGE_TYPE, "channel", channel, "stream_id")]
    return b"\x85" + b"".join(entries)  # a map of five entries, as far as the first value that Redis fills in


@lru_cache(maxsize=1)
def _layer_channel() -> str:
    prefix = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]
    return f"{prefix}__group__{GROUP}"
