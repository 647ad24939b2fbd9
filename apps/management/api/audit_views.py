"""The audit record over REST."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation import audit
from apps.foundation.models import AuditEntry
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.management import queries
from apps.management.api import answer_shapes as shapes


class AuditView(ListView):
    """Every act, newest first, with the hash that chains it to the act before."""

    roles = {"GET": Role.RISK}
    serializer_class = shapes.AuditEntryShape
    filterset_fields = {
        "chain": ["exact"],
        "action": ["exact"],
        "actor": ["exact"],
        "subject": ["exact"],
        "wall": ["gte", "lt"],
    }
    ordering = ("-id",)
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return queries.audit_entries()

    def render(self, rows: Sequence[AuditEntry]) -> list[dict[str, Any]]:
        return [queries.audit_entry_view(row) for row in rows]


class AuditVerifyView(HouseView):
    roles = {"GET": Role.RISK}
    query_parameters = ()

    @extend_schema(responses=shapes.AuditReportShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Recompute every chain from its rows; names the first bad row."""
        return Response(queries.audit_report_view(audit.verify()))
