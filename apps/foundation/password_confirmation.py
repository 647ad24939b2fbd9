"""Give the password again before a step that a stolen session must not take."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth import authenticate
from django.db import transaction

from apps.foundation import audit, login_limits
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.models import AuthSession

HOLDS_FOR = timedelta(minutes=5)


class PasswordNeeded(Refused):
    """The step needs the password again, given within the last minutes."""

    code = "password_needed"
    status = 403


def confirm_password(*, session_id: UUID, username: str, password: str, address: str, moment: Moment) -> None:
    """Note that the session's user gave the password again. Failures count as failed sign-ins.

    Raises ``Refused`` ``wrong_password`` and ``TooManyAttempts``.
    """
    login_limits.refuse_too_many(username=username, address=address)
    if authenticate(username=username, password=password) is None:
        login_limits.count_failure(username=username, address=address)
        raise Refused("This is not your password.", code="wrong_password", field="password")
    with transaction.atomic():
        AuthSession.objects.filter(pk=session_id, revoked_at__isnull=True).update(confirmed_at=moment.wall)
        audit.append(
            chain=audit.OPERATIONS,
            action="session.confirmed",
            actor=username,
            subject=f"session:{session_id}",
            payload={"address": address},
            moment=moment,
        )


def require_confirmed(*, session_id: UUID, moment: Moment) -> None:
    """Raise ``PasswordNeeded`` unless the password was given again in this session within ``HOLDS_FOR``."""
    since = moment.wall - HOLDS_FOR
    if not AuthSession.objects.filter(pk=session_id, revoked_at__isnull=True, confirmed_at__gte=since).exists():
        minutes = int(HOLDS_FOR.total_seconds() // 60)
        raise PasswordNeeded(f"Give your password again (POST auth/confirm/); it holds for {minutes} minutes.")
