"""Users of Redis with rights of their own: each knows its own password and may do what its rules say, nothing else.

Redis keeps them in its access list. The embedded server writes that to a file, so that it outlives a restart; one of
your own may forget its users, and gets them again from whoever calls ``keep_users`` from time to time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from redis.exceptions import AuthenticationError, ResponseError

from apps.foundation import redis_pool
from apps.foundation.errors import NotReady

NO_FILE = "not configured to use an ACL file"


@dataclass(frozen=True, slots=True)
class RedisUser:
    """Password and rules, as ``ACL SETUSER`` takes them."""

    password: str
    rules: tuple[str, ...]


_told: dict[str, RedisUser] = {}  # what this process has told Redis, so that changed rules are told too


def keep_users(*, prefix: str, wanted: Mapping[str, RedisUser]) -> None:
    """Make the users whose names begin with ``prefix`` exactly the wanted ones; unchanged ones keep their connections.

    Raises ``redis.RedisError`` while Redis is away, ``NotReady`` where it does not let us make users.
    """
    client: Any = redis_pool.client()
    try:
        known = {line.split(" ", 2)[1]: line for line in client.acl_list()}
        unwanted = sorted(name for name in known if name.startswith(prefix) and name not in wanted)
        missing = sorted(name for name, user in wanted.items() if not _is_there(name, user, known.get(name, "")))
        for name in missing:
            client.execute_command(
                "ACL", "SETUSER", name, "reset", "on", f">{wanted[name].password}", *wanted[name].rules
            )
        if unwanted:
            client.acl_deluser(*unwanted)
        if missing or unwanted:
            _save(client)
    except AuthenticationError:
        raise  # Redis is there and ours is not: as if it were away
    except ResponseError as error:
        raise NotReady(
            f"Redis does not let this house make a user for each agent ({error}). Use Redis 6.2 or later and give the "
            "user in REDIS_URL the right to ACL commands.",
            code="redis_users_refused",
        ) from error
    for name in (*unwanted, *(name for name in _told if name.startswith(prefix) and name not in wanted)):
        _told.pop(name, None)
    _told.update({name: wanted[name] for name in wanted})


def url_for(url: str, *, name: str, password: str) -> str:
    """The Redis address ``url`` with another user."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{place}"))


def _is_there(name: str, user: RedisUser, line: str) -> bool:
    digest = hashlib.sha256(user.password.encode()).hexdigest()
    return _told.get(name) == user and f"#{digest}" in line.split()


def _save(client: Any) -> None:
    try:
        client.acl_save()
    except ResponseError as error:
        if NO_FILE not in str(error):
            raise
