"""What is too large for a message lies in Redis beside it, for as long as the message is worth anything.

A task's arguments are written, packed and kept several times on their way; a parcel is written and read once.
"""

from redis import RedisError

from apps.foundation import redis_pool
from apps.foundation.errors import NotReady
from apps.foundation.identifiers import new_id


def lay_down(content: bytes, *, seconds: float) -> str:
    """Keep ``content`` for so long, at least a millisecond; the name to pick it up by. Raises ``redis.RedisError``."""
    name = f"parcel.{new_id()}"
    redis_pool.raw_client().set(name, content, px=max(1, int(1_000 * seconds)))
    return name


def pick_up(name: str) -> bytes:
    """The content. It stays until its time is over, since every task may run twice.

    Raises ``NotReady`` (``parcel_gone``) once that has passed, after a restart of Redis, or while Redis is away.
    """
    try:
        content = redis_pool.raw_client().get(name)
    except RedisError as error:
        raise NotReady(f"What belongs to a message can't be read: {error}.", code="parcel_gone") from error
    if not isinstance(content, bytes):
        gone = "What belongs to a message is gone: its time has passed, or Redis restarted."
        raise NotReady(gone, code="parcel_gone")
    return content
