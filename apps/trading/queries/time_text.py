"""Times as every view writes them."""

from datetime import UTC, datetime


def utc_text(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
