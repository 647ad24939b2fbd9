"""What a client may say on the stream. Anything else is answered with an error and a code; the socket stays open."""

from dataclasses import dataclass
from typing import Any

import orjson

from apps.foundation.errors import Refused
from apps.foundation.live_updates import Position

LONGEST = 16_384
MOST_CHANNELS = 100


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Listen to these channels; ``since`` says what the client has already."""

    channels: list[str]
    since: dict[str, Position]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Listen no more."""

    channels: list[str]


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Answered by ``{"type": "pong"}``."""


def read_message(text: str | None) -> Subscribe | Unsubscribe | Ping:
    """The message in a frame. Raises ``Refused``: ``malformed_frame``, ``frame_too_long``, ``unknown_op``, ..."""
    if text is None:
        raise Refused("Send text frames with JSON; this one was binary.", code="malformed_frame")
    if len(text) > LONGEST:
        raise Refused(f"A frame may have {LONGEST} characters, this one had {len(text)}.", code="frame_too_long")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The frame is not JSON: {error}.", code="malformed_frame") from None
    if not isinstance(message, dict):
        raise Refused('A frame is a JSON object such as {"op": "ping"}.', code="malformed_frame")
    match message.get("op"):
        case "subscribe":
            return Subscribe(_channels(message), _since(message.get("since")))
        case "unsubscribe":
            return Unsubscribe(_channels(message))
        case "ping":
            return Ping()
        case other:
            raise Refused(f"op must be subscribe, unsubscribe or ping, was {str(other)[:40]!r}.", code="unknown_op")


def _channels(message: dict[str, Any]) -> list[str]:
    found = message.get("channels")
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise Refused('channels must be a list of names such as ["orders"].', code="malformed_frame")
    if len(found) > MOST_CHANNELS:
        raise Refused(f"At most {MOST_CHANNELS} channels, were {len(found)}.", code="too_many_channels")
    return list(dict.fromkeys(found))


def _since(found: Any) -> dict[str, Position]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused('since must be an object such as {"orders": {"stream_id": "..", "seq": 41}}.', code="bad_since")
    return {name: _position(name, place) for name, place in found.items()}


def _position(name: str, place: Any) -> Position:
    stream_id, seq = (place.get("stream_id"), place.get("seq")) if isinstance(place, dict) else (None, None)
    if not isinstance(stream_id, str) or len(stream_id) > 64 or type(seq) is not int or not 0 <= seq < 2**53:  # noqa: PLR2004
        raise Refused(f"since of {name[:80]!r} needs stream_id (text) and seq (a whole number).", code="bad_since")
    return Position(stream_id, seq)
