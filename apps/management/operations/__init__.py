"""What the management room does, one door a verb."""

from apps.management.operations.autoscale import autoscale
from apps.management.operations.change_autoscaler import change_autoscaler, check_autoscaler
from apps.management.operations.check_records import check_audit, check_books, prune_records
from apps.management.operations.converge_fleet import converge_fleet
from apps.management.operations.declare_restore import BackupHead, declare_restore
from apps.management.operations.emergency_stop import emergency_stop, resume
from apps.management.operations.keep_incidents import clear_incident, close_incident, open_incident
from apps.management.operations.keep_instances import admit_instance, see_instance
from apps.management.operations.keep_leadership import keep_leadership
from apps.management.operations.promote_instance import promote_instance
from apps.management.operations.release_quarantine import release_quarantine
from apps.management.operations.run_drill import claim_drill, end_drill, note_drill_steps, request_drill
from apps.management.operations.scale_fleet import preview_scale, scale_fleet
from apps.management.operations.watch_health import watch_health

__all__ = [
    "BackupHead",
    "admit_instance",
    "autoscale",
    "change_autoscaler",
    "check_audit",
    "check_autoscaler",
    "check_books",
    "claim_drill",
    "clear_incident",
    "close_incident",
    "converge_fleet",
    "declare_restore",
    "emergency_stop",
    "end_drill",
    "keep_leadership",
    "note_drill_steps",
    "open_incident",
    "preview_scale",
    "promote_instance",
    "prune_records",
    "release_quarantine",
    "request_drill",
    "resume",
    "scale_fleet",
    "see_instance",
    "watch_health",
]
