"""The management room's routes. ``trading/stop/`` is here because it stops more than trading."""

from apps.foundation.rest.routes import endpoint
from apps.management.api import audit_views, bridge_views, drill_views, fleet_views, scaling_views, stop_views

urlpatterns = [
    *endpoint("trading/stop/", stop_views.StopView.as_view(), name="trading-stop"),
    *endpoint("trading/resume/", stop_views.ResumeView.as_view(), name="trading-resume"),
    *endpoint("management/health/", fleet_views.HealthView.as_view(), name="health"),
    *endpoint("management/containers/", fleet_views.ContainersView.as_view(), name="containers"),
    *endpoint(
        "management/containers/<str:name>/release/",
        fleet_views.ReleaseContainerView.as_view(),
        name="container-release",
    ),
    *endpoint("management/scale/", scaling_views.ScaleView.as_view(), name="scale"),
    *endpoint("management/scale/preview/", scaling_views.PreviewScaleView.as_view(), name="scale-preview"),
    *endpoint("management/autoscaler/", scaling_views.AutoscalerView.as_view(), name="autoscaler"),
    *endpoint("management/instances/", fleet_views.InstancesView.as_view(), name="instances"),
    *endpoint(
        "management/instances/<str:name>/promote/", fleet_views.PromoteInstanceView.as_view(), name="instance-promote"
    ),
    *endpoint("management/bridge/", bridge_views.BridgeView.as_view(), name="bridge"),
    *endpoint("management/bridge/peers/", bridge_views.BridgePeersView.as_view(), name="bridge-peers"),
    *endpoint("management/bridge/peers/<str:name>/keys/", bridge_views.PeerKeysView.as_view(), name="bridge-keys"),
    *endpoint(
        "management/bridge/peers/<str:name>/keys/<str:fingerprint>/end/",
        bridge_views.EndPeerKeyView.as_view(),
        name="bridge-key-end",
    ),
    *endpoint(
        "management/bridge/peers/<str:name>/rights/", bridge_views.PeerRightsView.as_view(), name="bridge-rights"
    ),
    *endpoint(
        "management/bridge/peers/<str:name>/propose/", bridge_views.ProposeAgentView.as_view(), name="bridge-propose"
    ),
    *endpoint("management/bridge/sent/", bridge_views.SentEnvelopesView.as_view(), name="bridge-sent"),
    *endpoint("management/bridge/taken/", bridge_views.TakenEnvelopesView.as_view(), name="bridge-taken"),
    *endpoint("management/bridge/proposals/", bridge_views.ProposalsView.as_view(), name="bridge-proposals"),
    *endpoint(
        "management/bridge/proposals/<uuid:proposal_id>/adopt/",
        bridge_views.AdoptProposalView.as_view(),
        name="bridge-proposal-adopt",
    ),
    *endpoint(
        "management/bridge/proposals/<uuid:proposal_id>/decline/",
        bridge_views.DeclineProposalView.as_view(),
        name="bridge-proposal-decline",
    ),
    *endpoint("management/incidents/", fleet_views.IncidentsView.as_view(), name="incidents"),
    *endpoint(
        "management/incidents/<uuid:incident_id>/close/", fleet_views.CloseIncidentView.as_view(), name="incident-close"
    ),
    *endpoint("management/drills/", drill_views.DrillsView.as_view(), name="drills"),
    *endpoint("management/drills/choices/", drill_views.DrillChoicesView.as_view(), name="drill-choices"),
    *endpoint("management/drills/<uuid:run_id>/", drill_views.DrillView.as_view(), name="drill"),
    *endpoint("management/audit/", audit_views.AuditView.as_view(), name="audit"),
    *endpoint("management/audit/verify/", audit_views.AuditVerifyView.as_view(), name="audit-verify"),
    *endpoint("agents/<uuid:agent_id>/status/", fleet_views.AgentStatusView.as_view(), name="agent-status"),
    *endpoint("agents/<uuid:agent_id>/logs/", fleet_views.AgentLogView.as_view(), name="agent-logs"),
]
