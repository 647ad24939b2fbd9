"""The fleet in the admin: rows are what was observed; steering goes through the operations."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError
from apps.management import operations
from apps.management.models import Container, DrillRun, FleetState, Incident, Instance
from apps.market.queries import current_moment


@admin.register(Container)
class ContainerAdmin(ReadOnlyAdmin):
    list_display = ["name", "health", "wanted", "runtime", "restarts", "memory_bytes", "started_at", "beat_at"]
    list_filter = ["health", "runtime", "wanted"]
    search_fields = ["name"]
    actions = ["release"]

    @admin.action(description="Release from quarantine")
    def release(self, request: HttpRequest, chosen: QuerySet[Container]) -> None:
        moment = current_moment()
        for row in chosen:
            try:
                operations.release_quarantine(name=row.name, actor=request.user.get_username(), moment=moment)
            except HQError as error:
                self.message_user(request, error.message, messages.ERROR)


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "kind", "subject", "severity", "occurrences", "last_seen_at", "closed_at"]
    list_filter = ["severity", "kind", ("closed_at", admin.EmptyFieldListFilter)]
    search_fields = ["subject", "detail"]
    actions = ["close"]

    @admin.action(description="Close the chosen incidents")
    def close(self, request: HttpRequest, chosen: QuerySet[Incident]) -> None:
        moment = current_moment()
        who: Any = request.user.get_username()
        for row in chosen:
            try:
                operations.close_incident(incident_id=row.pk, actor=who, reason="Closed in the admin.", moment=moment)
            except HQError as error:
                self.message_user(request, error.message, messages.ERROR)


@admin.register(DrillRun)
class DrillRunAdmin(ReadOnlyAdmin):
    list_display = ["requested_at", "scenario", "state", "recovery_seconds", "requested_by", "reason"]
    list_filter = ["state", "scenario"]


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    list_display = ["name", "role", "host", "runtime", "version", "started_at", "seen_at"]


@admin.register(FleetState)
class FleetStateAdmin(ReadOnlyAdmin):
    list_display = ["paused", "reason", "actor", "changed_at"]
