"""Four roles, each able to do what the one below may: viewer < trader < risk < admin. Stored as Django groups."""

from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group


class Role(StrEnum):
    """Who may do what; ``PUBLIC`` marks the few routes that take anybody, such as sign-in."""

    PUBLIC = "public"
    VIEWER = "viewer"
    TRADER = "trader"
    RISK = "risk"
    ADMIN = "admin"


ROLES = (Role.VIEWER, Role.TRADER, Role.RISK, Role.ADMIN)
_RANK = {role: rank for rank, role in enumerate(ROLES, start=1)} | {Role.PUBLIC: 0}


def ensure_roles() -> None:
    """Create the four groups where they are missing; safe to call at every start."""
    for role in ROLES:
        Group.objects.get_or_create(name=role.value)


def role_of(user: Any) -> Role | None:
    """The highest role of a user row or of a token's bearer; None for a stranger, an inactive or a groupless user."""
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    claimed = getattr(user, "role", None)
    if isinstance(claimed, Role):
        return claimed
    if user.is_superuser:
        return Role.ADMIN
    names = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(ROLES) if role.value in names), None)


def role_at_least(user: Any, role: str) -> bool:
    """Whether ``user`` (a row or a token's bearer) has ``role`` or more. Raises ``ValueError`` for an unknown role."""
    return suffices(role_of(user), Role(role))


def suffices(held: Role | None, needed: Role) -> bool:
    """Whether the role ``held`` includes ``needed``."""
    return needed is Role.PUBLIC or (held is not None and _RANK[held] >= _RANK[needed])
