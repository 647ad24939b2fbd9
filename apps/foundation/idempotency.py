"""A request that its client names by ``Idempotency-Key`` takes effect once, however often it is sent.

The request's work and its stored answer commit in one transaction, under an advisory lock of PostgreSQL. A crash
therefore leaves neither, the lock dies with its connection, and no claim can be stuck: the client simply sends again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from apps.foundation.errors import Conflict, Refused
from apps.foundation.models import IdempotencyRecord

LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A mutating request under its client's key; ``body`` is the parsed JSON."""

    user_id: int
    key: str
    method: str
    path: str
    body: Any

    @property
    def digest(self) -> str:
        return hashlib.sha256(orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON-ready body; ``replayed`` when it was stored by an earlier request."""

    status: int
    body: Any
    replayed: bool = False


def answer_once(request: NamedRequest, run: Callable[[], Answer], *, repeatable: bool = False) -> Answer:
    """The stored answer of this key, or that of ``run``, stored in the transaction of its work.

    What ``run`` raises undoes its work and stores nothing. ``repeatable`` is for work which must commit in steps of its
    own (the emergency stop) and does no harm when done again: it runs outside a transaction here and is stored after.
    Raises ``Refused`` ``idempotency_key_invalid``; ``Conflict`` ``idempotency_key_reused`` when the key named another
    request, ``idempotency_key_in_flight`` while the same one still runs.
    """
    if not 1 <= len(request.key) <= LONGEST_KEY or not (request.key.isascii() and request.key.isprintable()):
        raise Refused(
            f"Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters.",
            code="idempotency_key_invalid",
            field="Idempotency-Key",
        )
    if repeatable:
        return _stored(request) or _store(request, run())
    with transaction.atomic():
        _claim(request)
        return _stored(request) or _store(request, run())


def prune_answers(*, before: datetime) -> int:
    """Forget answers stored before ``before``; how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=before).delete()[0]


def _claim(request: NamedRequest) -> None:
    with connection.cursor() as cursor:
        name = f"idempotency:{request.user_id}:{request.key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict(
                "The request of this Idempotency-Key is still running. Send it again in a moment.",
                code="idempotency_key_in_flight",
                field="Idempotency-Key",
            )


def _stored(request: NamedRequest) -> Answer | None:
    row = IdempotencyRecord.objects.filter(user_id=request.user_id, key=request.key).first()
    if row is None or row.status is None:
        return None
    if (row.method, row.path, row.body_digest) != (request.method, request.path, request.digest):
        raise Conflict(
            f"This Idempotency-Key named another request ({row.method} {row.path}). Use a new key for a new request.",
            code="idempotency_key_reused",
            field="Idempotency-Key",
        )
    return Answer(row.status, row.answer, replayed=True)


def _store(request: NamedRequest, answer: Answer) -> Answer:
    row = IdempotencyRecord(
        user_id=request.user_id,
        key=request.key,
        method=request.method,
        path=request.path[:500],
        body_digest=request.digest,
        status=answer.status,
        answer=answer.body,
    )
    # Conflicts are met by repeatable work only, where two equal requests may have run side by side.
    IdempotencyRecord.objects.bulk_create([row], ignore_conflicts=True)
    return answer
