"""Sign-in sessions: one row each, a short access token beside a refresh token that changes at every use.

Only the id of the newest refresh token is stored. The next id is derived from the one before with the instance's key,
so that a repeated refresh within a few seconds (two tabs, a lost answer) gets the same successor; later, an old
refresh token can only mean that it was copied, and its session ends.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.foundation import audit, login_limits
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuthSession
from apps.foundation.permissions import Role, role_of
from apps.foundation.session_revocations import announce

LONGEST_LIFE = timedelta(days=30)
REPEAT_WITHIN = timedelta(seconds=10)
log = structlog.get_logger(__name__)


class NotSignedIn(Refused):
    """The password, token or session does not hold."""

    code = "not_authenticated"
    status = 401


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds: ``access`` lives 5 minutes, ``refresh`` is good for one use."""

    access: str
    refresh: str
    session_id: UUID


def sign_in(*, username: str, password: str, address: str, user_agent: str, moment: Moment) -> TokenPair:
    """Open a session. Raises ``NotSignedIn`` ``wrong_credentials``, ``TooManyAttempts``, ``Refused`` ``no_role``."""
    login_limits.refuse_too_many(username=username, address=address)
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        login_limits.count_failure(username=username, address=address)
        log.warning("sign_in_refused", username=username[:150], address=address)
        raise NotSignedIn("This user name and password do not match.", code="wrong_credentials")
    role = _role(user)
    session_id = new_id()
    with transaction.atomic():
        AuthSession.objects.create(
            pk=session_id,
            user=user,
            created_at=moment.wall,
            last_used_at=moment.wall,
            last_refresh_jti=_next_id(session_id, ""),
            user_agent=user_agent[:256],
            address=address or None,
        )
        _audit("session.opened", user.username, session_id, {"address": address}, moment)
    return _pair(user, role, session_id, _next_id(session_id, ""))


def refresh_session(*, refresh: str, moment: Moment) -> TokenPair:
    """A new pair for a refresh token, which is used up by it.

    Raises ``NotSignedIn``: ``token_not_valid``, ``session_ended``, or ``refresh_reused`` (and ends the session).
    """
    token = _read(refresh)
    session_id, given = UUID(token["sid"]), str(token["jti"])
    with transaction.atomic():
        locked = AuthSession.objects.select_for_update(of=("self",)).select_related("user")
        session = locked.filter(pk=session_id).first()
        if session is None or session.revoked_at is not None or session.created_at + LONGEST_LIFE < moment.wall:
            raise NotSignedIn("This session has ended. Sign in again.", code="session_ended")
        following = _successor(session, given, moment.wall)
        if following is not None:
            if not session.user.is_active:
                raise NotSignedIn("This session has ended. Sign in again.", code="session_ended")
            return _pair(session.user, _role(session.user), session_id, following)
        copied = AuthSession.objects.filter(pk=session_id)
        _revoke(copied, actor=session.user.username, why="refresh_reused", moment=moment)
    log.warning("refresh_token_reused", session=str(session_id), username=session.user.username)
    raise NotSignedIn(
        "This refresh token was used before, so somebody may hold a copy. The session has ended; sign in again.",
        code="refresh_reused",
    )


def end_session(*, session_id: UUID, actor: str, moment: Moment, user_id: int | None = None) -> None:
    """End one session (of ``user_id`` only, when given); ending it again does nothing. Raises ``NotFound``."""
    found = AuthSession.objects.filter(pk=session_id)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    if not found.exists():
        raise NotFound(f"There is no session {session_id} of yours.", code="unknown_session")
    with transaction.atomic():
        _revoke(found, actor=actor, why="ended", moment=moment)


def end_session_of(*, refresh: str, moment: Moment) -> None:
    """End the session that a refresh token belongs to. Raises ``NotSignedIn`` ``token_not_valid``."""
    token = _read(refresh)
    with transaction.atomic():
        _revoke(
            AuthSession.objects.filter(pk=UUID(token["sid"])), actor=str(token["username"]), why="ended", moment=moment
        )


def end_sessions_of_user(*, user_id: int, actor: str, why: str, moment: Moment) -> int:
    """End all sessions of a user, as after a change of role or password; how many."""
    with transaction.atomic():
        return _revoke(AuthSession.objects.filter(user_id=user_id), actor=actor, why=why, moment=moment)


def session_views(*, user_id: int, moment: Moment) -> list[dict[str, Any]]:
    """The open sessions of a user, newest first."""
    found = AuthSession.objects.filter(
        user_id=user_id, revoked_at__isnull=True, last_used_at__gt=moment.wall - _refresh_life()
    )
    return [
        {
            "id": str(row.pk),
            "created_at": _text(row.created_at),
            "last_used_at": _text(row.last_used_at),
            "address": row.address,
            "user_agent": row.user_agent,
        }
        for row in found.order_by("-created_at")
    ]


def prune_sessions(*, before: datetime) -> int:
    """Forget sessions that nobody has used since ``before``; how many rows went."""
    return AuthSession.objects.filter(last_used_at__lt=before).delete()[0]


def _revoke(found: QuerySet[AuthSession], *, actor: str, why: str, moment: Moment) -> int:
    living = found.filter(revoked_at__isnull=True).order_by("pk").select_for_update()
    ids = list(living.values_list("pk", flat=True))
    AuthSession.objects.filter(pk__in=ids).update(revoked_at=moment.wall)
    for each in ids:
        _audit("session.ended", actor, each, {"why": why}, moment)
    transaction.on_commit(lambda: announce(ids))
    return len(ids)


def _successor(session: AuthSession, given: str, wall: datetime) -> str | None:
    """The refresh id that follows ``given``, or None when ``given`` was used up more than a moment ago."""
    following = _next_id(session.pk, given)
    if hmac.compare_digest(given, session.last_refresh_jti):
        session.last_refresh_jti = following
        session.last_used_at = wall
        session.save(update_fields=["last_refresh_jti", "last_used_at"])
        return following
    repeated = hmac.compare_digest(following, session.last_refresh_jti)
    return following if repeated and wall - session.last_used_at <= REPEAT_WITHIN else None


def _next_id(session_id: UUID, previous: str) -> str:
    cause = f"refresh:{session_id}:{previous}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), cause, hashlib.sha256).hexdigest()


def _pair(user: User, role: Role, session_id: UUID, refresh_id: str) -> TokenPair:
    refresh = _claims(RefreshToken(), user, role, session_id)
    refresh["jti"] = refresh_id
    return TokenPair(str(_claims(AccessToken(), user, role, session_id)), str(refresh), session_id)


def _claims(token: Token, user: User, role: Role, session_id: UUID) -> Token:
    token["user_id"] = str(user.pk)
    token["username"] = user.username
    token["role"] = role.value
    token["sid"] = str(session_id)
    return token


def _read(text: str) -> RefreshToken:
    try:
        token = RefreshToken(text)  # type: ignore[arg-type]
        UUID(token["sid"])
    except (TokenError, KeyError, ValueError):
        raise NotSignedIn("This refresh token is expired or not ours. Sign in again.", code="token_not_valid") from None
    return token


def _role(user: User) -> Role:
    role = role_of(user)
    if role is None:
        message = f"The user {user.username} has no role yet. An admin gives one: viewer, trader, risk or admin."
        raise Refused(message, code="no_role")
    return role


def _audit(action: str, actor: str, session_id: UUID, payload: dict[str, Any], moment: Moment) -> None:
    subject = f"session:{session_id}"
    audit.append(chain=audit.OPERATIONS, action=action, actor=actor, subject=subject, payload=payload, moment=moment)


def _refresh_life() -> timedelta:
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return lifetime


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
