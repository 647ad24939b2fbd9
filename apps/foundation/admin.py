"""The foundation's tables in the admin: the record can be read, not changed."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.foundation.admin_columns import readable
from apps.foundation.auth_sessions import end_session
from apps.foundation.models import (
    AuditEntry,
    AuditHead,
    AuthSession,
    DatabaseDuty,
    IdempotencyRecord,
    InboxEntry,
    Lease,
    OutboxEvent,
    PeriodicRun,
    ProcessBeat,
    RecordEpoch,
)
from apps.foundation.permissions import Role, role_at_least
from apps.foundation.rest.moment_reader import read_moment


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows, amounts and times as people read them; adding, changing and deleting rows is refused."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [readable(self.opts, column) for column in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj is None else [readable(self.opts, field) for field in fields]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else [readable(self.opts, field) for field in fields]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["id", "chain", "seq", "action", "actor", "subject", "wall", "firm"]
    list_filter = ["chain", "action"]
    search_fields = ["subject", "actor", "action"]
    fields = [
        *("chain", "seq", "action", "actor", "subject", "payload", "wall", "firm", "epoch"),
        *("hash_hex", "previous_hash_hex"),
    ]
    readonly_fields = fields
    show_full_result_count = False

    @admin.display(description="Hash")
    def hash_hex(self, entry: AuditEntry) -> str:
        return bytes(entry.hash).hex()

    @admin.display(description="Previous hash")
    def previous_hash_hex(self, entry: AuditEntry) -> str:
        return bytes(entry.previous_hash).hex()


@admin.register(AuditHead)
class AuditHeadAdmin(ReadOnlyAdmin):
    list_display = ["chain", "seq", "hash_hex"]
    fields = ["chain", "seq", "hash_hex"]
    readonly_fields = fields

    @admin.display(description="Hash")
    def hash_hex(self, head: AuditHead) -> str:
        return bytes(head.hash).hex()


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "aggregate", "created_at", "published_at", "attempts", "last_error"]
    list_filter = ["kind", ("published_at", admin.EmptyFieldListFilter)]
    search_fields = ["aggregate", "correlation_id"]
    show_full_result_count = False


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    list_display = ["consumer", "event_id", "taken_at"]
    list_filter = ["consumer"]
    show_full_result_count = False


@admin.register(ProcessBeat)
class ProcessBeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "host", "pid", "started_at", "beat_at", "steps", "errors", "last_error"]
    list_filter = ["process"]


@admin.register(PeriodicRun)
class PeriodicRunAdmin(ReadOnlyAdmin):
    list_display = ["name", "begun_at", "runs", "left_alone"]


@admin.register(RecordEpoch)
class RecordEpochAdmin(ReadOnlyAdmin):
    list_display = ["epoch", "raised_wall", "reason"]


@admin.register(AuthSession)
class AuthSessionAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "created_at", "last_used_at", "revoked_at", "address", "user_agent"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["user__username"]
    exclude = ["last_refresh_jti"]
    actions = ["end_sessions"]

    @admin.action(description="End these sessions, with their tokens and sockets", permissions=["end"])
    def end_sessions(self, request: HttpRequest, chosen: models.QuerySet[AuthSession]) -> None:
        moment = read_moment()
        for session in chosen:
            end_session(session_id=session.pk, actor=request.user.get_username(), moment=moment)
        self.message_user(request, f"{len(chosen)} ended.")

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Only an admin ends the sessions of others."""
        return role_at_least(request.user, Role.ADMIN)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "key", "method", "path", "status", "created_at"]
    exclude = ["answer", "body_digest"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("answer")


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ["scope", "holder", "epoch", "acquired_at", "renewed_at", "expires_at", "released", "sends_from"]


@admin.register(DatabaseDuty)
class DatabaseDutyAdmin(ReadOnlyAdmin):
    list_display = ["id", "duty"]
