"""The fleet's and the instances' tables."""

from apps.management.models.agent_proposal import AgentProposal
from apps.management.models.autoscaler_policy import AutoscalerPolicy
from apps.management.models.bridge_peer import BridgeLink, BridgePeer, BridgePeerKey
from apps.management.models.bridge_post import OutgoingEnvelope, TakenEnvelope
from apps.management.models.container import Container
from apps.management.models.drill_run import DrillRun, DrillState
from apps.management.models.fleet_state import FleetState
from apps.management.models.incident import Incident, Severity
from apps.management.models.instance import Instance
from apps.management.models.scaling_decision import ScalingDecision

__all__ = [
    "AgentProposal",
    "AutoscalerPolicy",
    "BridgeLink",
    "BridgePeer",
    "BridgePeerKey",
    "Container",
    "DrillRun",
    "DrillState",
    "FleetState",
    "Incident",
    "Instance",
    "OutgoingEnvelope",
    "ScalingDecision",
    "Severity",
    "TakenEnvelope",
]
