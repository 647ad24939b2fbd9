"""What the management room does, one door a verb."""

from apps.management.operations.autoscale import autoscale
from apps.management.operations.bridge.decide_proposal import adopt_proposal, decline_proposal
from apps.management.operations.bridge.exchange_post import exchange_post, watch_bridge
from apps.management.operations.bridge.keep_peers import add_peer, add_peer_key, change_peer_rights, end_peer_key
from apps.management.operations.bridge.propose_agent import propose_agent
from apps.management.operations.bridge.send_post import Sender
from apps.management.operations.change_autoscaler import change_autoscaler, check_autoscaler
from apps.management.operations.check_records import check_audit, check_books, prune_records
from apps.management.operations.converge_fleet import converge_fleet
from apps.management.operations.declare_restore import BackupHead, declare_restore
from apps.management.operations.emergency_stop import emergency_stop, resume
from apps.management.operations.follow_stop import STOP_CHANNEL, follow_stop
from apps.management.operations.keep_incidents import clear_incident, close_incident, open_incident
from apps.management.operations.keep_inference import keep_inference
from apps.management.operations.keep_instances import admit_instance, see_instance
from apps.management.operations.keep_leadership import keep_leadership
from apps.management.operations.promote_instance import promote_instance
from apps.management.operations.release_quarantine import release_quarantine
from apps.management.operations.run_drill import claim_drill, end_drill, note_drill_steps, request_drill
from apps.management.operations.scale_fleet import preview_scale, scale_fleet
from apps.management.operations.stand_down import stand_down
from apps.management.operations.start_research_worker import start_research_worker
from apps.management.operations.watch_health import watch_health

__all__ = [
    "STOP_CHANNEL",
    "BackupHead",
    "Sender",
    "add_peer",
    "add_peer_key",
    "admit_instance",
    "adopt_proposal",
    "autoscale",
    "change_autoscaler",
    "change_peer_rights",
    "check_audit",
    "check_autoscaler",
    "check_books",
    "claim_drill",
    "clear_incident",
    "close_incident",
    "converge_fleet",
    "declare_restore",
    "decline_proposal",
    "emergency_stop",
    "end_drill",
    "end_peer_key",
    "exchange_post",
    "follow_stop",
    "keep_inference",
    "keep_leadership",
    "note_drill_steps",
    "open_incident",
    "preview_scale",
    "promote_instance",
    "propose_agent",
    "prune_records",
    "release_quarantine",
    "request_drill",
    "resume",
    "scale_fleet",
    "see_instance",
    "stand_down",
    "start_research_worker",
    "watch_bridge",
    "watch_health",
]
