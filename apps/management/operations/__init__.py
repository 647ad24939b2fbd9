"""What the management room does, one door a verb."""

from apps.management.operations.check_records import check_audit, check_books, prune_records
from apps.management.operations.converge_fleet import converge_fleet
from apps.management.operations.emergency_stop import emergency_stop, resume
from apps.management.operations.keep_incidents import clear_incident, close_incident, open_incident
from apps.management.operations.release_quarantine import release_quarantine
from apps.management.operations.watch_health import watch_health

__all__ = [
    "check_audit",
    "check_books",
    "clear_incident",
    "close_incident",
    "converge_fleet",
    "emergency_stop",
    "open_incident",
    "prune_records",
    "release_quarantine",
    "resume",
    "watch_health",
]
