"""Times that may be unknown, as every view writes them."""

from datetime import datetime

from apps.foundation.rest.serializer_fields import utc_text as known_utc_text


def utc_text(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``; None stays None."""
    return None if at is None else known_utc_text(at)
