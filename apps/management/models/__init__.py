"""The fleet's and the instances' tables."""

from apps.management.models.container import Container
from apps.management.models.drill_run import DrillRun, DrillState
from apps.management.models.fleet_state import FleetState
from apps.management.models.incident import Incident, Severity
from apps.management.models.instance import Instance

__all__ = ["Container", "DrillRun", "DrillState", "FleetState", "Incident", "Instance", "Severity"]
