"""The fleet in the admin: rows are what was observed; steering goes through the operations."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError, Refused
from apps.foundation.permissions import Role, role_at_least
from apps.management import operations
from apps.management.models import (
    AgentProposal,
    AutoscalerPolicy,
    BridgeLink,
    BridgePeer,
    BridgePeerKey,
    Container,
    DrillRun,
    FleetState,
    Incident,
    Instance,
    OutgoingEnvelope,
    ScalingDecision,
    TakenEnvelope,
)
from apps.management.queries.autoscaler_views import POLICY_FIELDS, current_autoscaler_policy
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


@admin.register(BridgePeer)
class BridgePeerAdmin(ReadOnlyAdmin):
    list_display = ["name", "may_halt", "may_propose", "added_by", "added_at", "reason"]


@admin.register(BridgePeerKey)
class BridgePeerKeyAdmin(ReadOnlyAdmin):
    list_display = ["peer", "fingerprint", "added_by", "added_at", "ends_at", "ended_by"]


@admin.register(BridgeLink)
class BridgeLinkAdmin(ReadOnlyAdmin):
    list_display = ["own", "peer", "peer_role", "peer_leads", "peer_epoch", "peer_state", "heard_at", "out_sequence"]


@admin.register(OutgoingEnvelope)
class OutgoingEnvelopeAdmin(ReadOnlyAdmin):
    list_display = ["link", "kind", "series", "sequence", "attempt", "written_at", "taken_at", "refused_code"]
    list_filter = ["kind", ("taken_at", admin.EmptyFieldListFilter)]


@admin.register(TakenEnvelope)
class TakenEnvelopeAdmin(ReadOnlyAdmin):
    list_display = ["sender", "own", "kind", "series", "sequence", "attempt", "taken_at", "outcome"]
    list_filter = ["kind", "outcome"]


@admin.register(AgentProposal)
class AgentProposalAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "sender", "strategy", "timeframe", "author", "state", "decided_by"]
    list_filter = ["state", "strategy"]


@admin.register(FleetState)
class FleetStateAdmin(ReadOnlyAdmin):
    list_display = ["paused", "reason", "actor", "changed_at", "orders_ended_at", "agents_ended_at"]


@admin.register(ScalingDecision)
class ScalingDecisionAdmin(ReadOnlyAdmin):
    list_display = ["at", "action", "code", "reason", "actor", "policy_version"]
    list_filter = ["action", "code"]
    search_fields = ["reason", "actor"]
    show_full_result_count = False


class AutoscalerForm(ModelForm):
    """The policy that holds, to be changed, and why. The operation judges what may stand there."""

    class Meta:
        model = AutoscalerPolicy
        fields = [*POLICY_FIELDS, "reason"]

    def clean(self) -> dict[str, Any]:
        """Adds what the rules refuse to the field that they name."""
        given = super().clean() or {}
        if not self.errors:
            try:
                operations.check_autoscaler(changes=self.changes, moment=current_moment())
            except Refused as refusal:
                self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)
        return given

    @property
    def changes(self) -> dict[str, Any]:
        """The policy as given, without the reason."""
        return {name: self.cleaned_data[name] for name in POLICY_FIELDS}


@admin.register(AutoscalerPolicy)
class AutoscalerPolicyAdmin(ReadOnlyAdmin):
    """Versions can't be edited; a new one is added through the operation, with a reason."""

    list_display = ["version", "enabled", "strategies", "least_agents", "most_agents", "author", "reason", "at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return role_at_least(request.user, Role.ADMIN)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        return AutoscalerForm if obj is None else super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:  # noqa: ARG002
        return ["version", "author", "at", *POLICY_FIELDS, "reason"] if obj else [*POLICY_FIELDS, "reason"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002
        holds = current_autoscaler_policy(current_moment())
        return {name: getattr(holds, name) for name in POLICY_FIELDS}

    def save_model(self, request: HttpRequest, obj: AutoscalerPolicy, form: ModelForm, change: bool) -> None:  # noqa: ARG002
        """A new version by the operation; the row shown afterwards is that one."""
        assert isinstance(form, AutoscalerForm)
        answer = operations.change_autoscaler(
            changes=form.changes,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            moment=current_moment(),
        )
        obj.pk = answer["version"]
