"""What changes an account ends its sessions: another role, password, name, or being switched off or deleted.

A token carries the role it was made with; ending the session makes the change hold at once, also on open sockets.
"""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from apps.foundation.auth_sessions import end_sessions_of_user
from apps.foundation.clock import Moment, wall_now
from apps.foundation.models import AuthSession
from apps.foundation.session_revocations import announce

WATCHED = ("password", "is_active", "is_superuser", "username")


def watch_accounts() -> None:
    """Connect the watchers. Call once a process, when Django is ready."""
    pre_save.connect(_remember, sender=User, dispatch_uid="hq.accounts.remember")
    post_save.connect(_end_if_changed, sender=User, dispatch_uid="hq.accounts.changed")
    pre_delete.connect(_end_deleted, sender=User, dispatch_uid="hq.accounts.deleted")
    m2m_changed.connect(_end_regrouped, sender=User.groups.through, dispatch_uid="hq.accounts.groups")


def _remember(instance: User, raw: bool = False, update_fields: Any = None, **_: Any) -> None:
    wanted = not raw and instance.pk is not None and (update_fields is None or set(update_fields) & set(WATCHED))
    before = User.objects.filter(pk=instance.pk).values(*WATCHED).first() if wanted else None
    instance._hq_before = before  # type: ignore[attr-defined]  # noqa: SLF001


def _end_if_changed(instance: User, **_: Any) -> None:
    before = getattr(instance, "_hq_before", None)
    if before and any(before[name] != getattr(instance, name) for name in WATCHED):
        _end(instance.pk, "account_changed")


def _end_regrouped(instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    if not reverse:
        users = {instance.pk}
    else:
        group: Group = instance
        users = pk_set if pk_set is not None else set(group.user_set.values_list("pk", flat=True))
    for user in sorted(users):
        _end(user, "role_changed")


def _end_deleted(instance: User, **_: Any) -> None:
    ids = list(AuthSession.objects.filter(user=instance, revoked_at__isnull=True).values_list("pk", flat=True))
    transaction.on_commit(lambda: announce(ids))


def _end(user_id: int, why: str) -> None:
    wall = wall_now()
    # A signal has no caller to hand in a moment; ending a session is the wall clock's business alone.
    end_sessions_of_user(user_id=user_id, actor="system", why=why, moment=Moment(wall, wall))
