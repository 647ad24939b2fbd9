"""What others may ask the management room."""

from apps.management.queries.audit_views import audit_entries, audit_entry_view, audit_report_view
from apps.management.queries.autoscaler_views import autoscaler_policy_view, scaling_decision_view
from apps.management.queries.bridge_state import OwnClaim, own_claim
from apps.management.queries.bridge_views import (
    bridge_view,
    outgoing_view,
    peer_view,
    peer_views,
    proposal_view,
    taken_view,
)
from apps.management.queries.container_views import container_of, container_view, container_views, named_containers
from apps.management.queries.drill_views import drill_choices, drill_view
from apps.management.queries.firm_gauges import firm_gauges
from apps.management.queries.fleet_pause import fleet_is_paused
from apps.management.queries.health_view import health_view
from apps.management.queries.incident_views import incident_view, incident_views
from apps.management.queries.instance_views import instance_view, instance_views
from apps.management.queries.process_views import process_views
from apps.management.queries.stop_progress import stop_progress
from apps.management.queries.system_view import system_view

__all__ = [
    "OwnClaim",
    "audit_entries",
    "audit_entry_view",
    "audit_report_view",
    "autoscaler_policy_view",
    "bridge_view",
    "container_of",
    "container_view",
    "container_views",
    "drill_choices",
    "drill_view",
    "firm_gauges",
    "fleet_is_paused",
    "health_view",
    "incident_view",
    "incident_views",
    "instance_view",
    "instance_views",
    "named_containers",
    "outgoing_view",
    "own_claim",
    "peer_view",
    "peer_views",
    "process_views",
    "proposal_view",
    "scaling_decision_view",
    "stop_progress",
    "system_view",
    "taken_view",
]
