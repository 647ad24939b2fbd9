"""Ask for an incident from inside a transaction; whoever keeps incidents opens it after the commit."""

from apps.foundation.outbox import record_event


def want_incident(*, kind: str, subject: str, detail: str) -> None:
    """Record that something needs a person's eyes; told at least once, so the keeper opens one per kind and subject."""
    payload = {"kind": kind, "subject": subject, "detail": detail}
    record_event(kind="incident.wanted", aggregate=f"incident:{kind}:{subject}", payload=payload)


def incident_over(*, kind: str, subject: str, reason: str) -> None:
    """Record that what an incident was asked for is over; whoever keeps incidents closes it after the commit."""
    payload = {"kind": kind, "subject": subject, "reason": reason}
    record_event(kind="incident.over", aggregate=f"incident:{kind}:{subject}", payload=payload)
