"""Whether the parts that every request needs answer now, and the disk has room for what they record."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from apps.foundation import redis_pool
from apps.foundation.disk_room import disk_room


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part's answer; ``detail`` says in words what is wrong (empty: nothing)."""

    part: str
    ok: bool
    detail: str
    milliseconds: float


def check_parts() -> list[PartHealth]:
    """PostgreSQL, Redis and the disk, asked now."""
    return [check_postgres(), check_redis(), check_disk()]


def check_postgres() -> PartHealth:
    """Whether PostgreSQL answers a query."""
    return _timed("postgres", _ask_postgres)


def check_redis() -> PartHealth:
    """Whether Redis answers a ping."""
    return _timed("redis", _ask_redis)


def check_disk() -> PartHealth:
    """Whether the disk of ``HQ_HOME`` is not full, where the database lies on it."""
    return _timed("disk", _look_at_disk)


def _timed(part: str, ask: Callable[[], str]) -> PartHealth:
    started = time.perf_counter()
    detail = ask()
    return PartHealth(part, not detail, detail, round((time.perf_counter() - started) * 1000, 2))


def _ask_postgres() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        connection.close()
        return f"PostgreSQL does not answer ({type(error).__name__}). Trading waits until it does."
    return ""


def _ask_redis() -> str:
    try:
        redis_pool.quick_client().ping()
    except redis.RedisError as error:
        return f"Redis does not answer ({type(error).__name__}). Live updates and tasks wait; no order is lost."
    return ""


def _look_at_disk() -> str:
    room = disk_room(settings.HQ_HOME)
    return room.sentence if room.is_full and settings.DATABASE_EMBEDDED else ""
