"""Three kinds of failure, one root. Each error carries a stable code for machines and a sentence for people.

The interface layer turns them into ``application/problem+json``; nothing else about them reaches a client.
"""

from typing import Any


class HQError(Exception):
    """Root of all anticipated failures."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field
        self.facts = facts


class Refused(HQError):  # noqa: N818 - an answer, not a fault
    """The request can't be taken as it stands; nothing was changed."""

    code = "refused"
    status = 400


class NotFound(Refused):
    """The thing named does not exist, or not for this user."""

    code = "not_found"
    status = 404


class Conflict(Refused):
    """The thing exists, but not in a state that allows this."""

    code = "conflict"
    status = 409


class NotReady(HQError):  # noqa: N818
    """A part that the request needs is away; the same request may succeed later."""

    code = "not_ready"
    status = 503


class RetryableFailure(HQError):  # noqa: N818
    """A read failed for a passing reason and may be tried again."""

    code = "retryable"
    status = 503


class OutcomeUnknown(HQError):  # noqa: N818
    """Something was sent and nobody knows what became of it. It is looked up, never resent."""

    code = "outcome_unknown"
    status = 502
