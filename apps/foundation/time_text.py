"""Times as every view writes them."""

from datetime import UTC, datetime
from typing import overload


@overload
def utc_text(at: datetime) -> str: ...
@overload
def utc_text(at: None) -> None: ...
@overload
def utc_text(at: datetime | None) -> str | None: ...
def utc_text(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``; None, a time that is not known, stays None."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
