"""The bridge's line: Redis streams, one for each sender, recipient and lane: ``bridge:<recipient>:<lane>:<sender>``.

The Redis user of a peer may append to the streams that end with its name, and read and delete those that begin with it
(``docs/guides/bridge.md``). What is read is checked elsewhere: whoever can write here proves nothing by it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from apps.foundation.errors import NotReady
from apps.management.ports import BridgeEntry, BridgeRoute

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
SCANNED_AT_ONCE = 500
Given = TypeVar("Given")


class RedisBridge:
    """Implements ``BridgeLine`` on the Redis that ``HQ_BRIDGE_URL`` names."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 1),
            client_name="tradinghq-bridge",
        )

    def put(self, route: BridgeRoute, *, text: str, signature: str) -> str:
        newest_only = 1 if route.lane == "beats" else None
        fields: Any = {"envelope": text, "signature": signature}
        return str(_asked(lambda: self._redis.xadd(_stream(route), fields, maxlen=newest_only, approximate=False)))

    def read(self, route: BridgeRoute, *, limit: int) -> Sequence[BridgeEntry]:
        found: Any = _asked(lambda: self._redis.xrange(_stream(route), count=limit))
        return [BridgeEntry(place, fields.get("envelope", ""), fields.get("signature", "")) for place, fields in found]

    def remove(self, route: BridgeRoute, entries: Sequence[str]) -> None:
        if entries:
            _asked(lambda: self._redis.xdel(_stream(route), *entries))

    def holds(self, route: BridgeRoute, entry: str) -> bool:
        return bool(_asked(lambda: self._redis.xrange(_stream(route), min=entry, max=entry)))

    def senders_to(self, recipient: str) -> frozenset[str]:
        lanes = (f"bridge:{recipient}:post:", f"bridge:{recipient}:beats:")
        pattern = f"bridge:{recipient}:*"
        keys: Any = _asked(lambda: list(self._redis.scan_iter(match=pattern, count=SCANNED_AT_ONCE, _type="stream")))
        return frozenset(key.removeprefix(lane) for key in keys for lane in lanes if key.startswith(lane))


def _stream(route: BridgeRoute) -> str:
    return f"bridge:{route.recipient}:{route.lane}:{route.sender}"


def _asked(question: Callable[[], Given]) -> Given:
    try:
        return question()
    except RedisError as error:
        sentence = f"The bridge's Redis does not answer as it should ({type(error).__name__})."
        raise NotReady(sentence, code="bridge_away") from error
