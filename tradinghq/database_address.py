"""A PostgreSQL address as Django wants it."""

from typing import Any
from urllib.parse import unquote, urlsplit

from tradinghq import environment as env


def database_at(url: str, *, pool: int = 0) -> dict[str, Any]:
    """One entry of ``DATABASES``; ``pool``: how many connections at most, 0 for a single one.

    Raises ``EnvironmentRefused`` for another kind of address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise env.EnvironmentRefused(f"DATABASE_URL must start with postgresql://, was {parts.scheme or 'empty'}://.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # Asked when it leaves the pool (75 us), so that a restart of PostgreSQL fails no later request.
        "CONN_HEALTH_CHECKS": True,
        # A pool, since CONN_MAX_AGE opens a connection a request under ASGI and fails under load. The pool's own
        # reconnect_timeout of 300 s doubles its pauses: after 70 s without PostgreSQL it came back 47 s late.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": pool, "timeout": 5, "reconnect_timeout": 5}} if pool else {},
        "TEST": {"NAME": f"test_{parts.path.lstrip('/')}"},
    }
