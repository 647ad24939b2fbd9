"""How the API describes itself: every operation names its role, its problems and the idempotency key."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from apps.foundation.permissions import Role

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what a program should switch on."},
        "correlation_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "facts": {"type": "object"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Optional. The same key with the same body replays the stored answer; with another body it is refused.",
)


class HouseSchema(AutoSchema):
    """drf-spectacular's description plus what all house views share."""

    def get_override_parameters(self) -> list[Any]:
        found = super().get_override_parameters()
        return [*found, KEY] if self.method in {"POST", "PATCH", "PUT", "DELETE"} else found

    def get_description(self) -> str:  # type: ignore[override]
        text = super().get_description() or ""
        needed_role = getattr(self.view, "needed_role", None)
        if needed_role is None:
            return text
        role = needed_role(self.method)
        needs = "Open to everybody." if role is Role.PUBLIC else f"Needs role **{role}**."
        return f"{text}\n\n{needs}".strip()

    def get_summary(self) -> str | None:
        """The first sentence of the view's own words, for the page that lists them."""
        given: str | None = super().get_summary()
        words = (super().get_description() or "").strip().partition("\n")[0]
        return given or words.partition(". ")[0].rstrip(".") or None

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """The room's name first: two rooms may each have a ``ReasonRequest``."""
        name: str = super().get_serializer_name(serializer, direction)
        _, _, room = type(serializer).__module__.partition("apps.")
        room = room.partition(".")[0]
        return name if room in {"", "foundation"} else f"{room.capitalize()}{name}"

    def get_operation(self, *arguments: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*arguments)
        if operation is not None:
            operation["responses"].setdefault(
                "default",
                {"description": "A problem", "content": {"application/problem+json": {"schema": PROBLEM}}},
            )
        return operation


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens of ``auth/token/``."""

    target_class = "apps.foundation.rest.authentication.SessionTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
