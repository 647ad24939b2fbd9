"""What an instance was started for, and which of them may take the lease when. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

PROMOTION_LASTS = timedelta(seconds=60)  # that only the promoted one may take the lease


class Role(StrEnum):
    """``HQ_ROLE``. Who leads is another question: the lease answers it."""

    PRIMARY = "primary"
    BACKUP = "backup"
    RESEARCH = "research"


def promotion_stands(asked_at: datetime | None, wall: datetime) -> bool:
    """Whether a person's wish still counts; one that nobody could fulfil is over after a while."""
    return asked_at is not None and wall - asked_at <= PROMOTION_LASTS


def may_take(*, role: str, name: str, promoted: str | None) -> bool:
    """Whether an instance may take a lease that is free. ``promoted``: whom a person wants to lead now."""
    return role != Role.RESEARCH and promoted in {None, name}


def may_be_first(role: str) -> bool:
    """Whether it may take a lease that nobody ever held: a backup has nobody to take over from."""
    return role == Role.PRIMARY
