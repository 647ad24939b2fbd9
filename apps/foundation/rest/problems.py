"""Every failure leaves as one shape: RFC 9457 ``application/problem+json``, a stable ``code``, never a traceback."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from kombu.exceptions import OperationalError as BrokerAway
from psycopg.errors import DiskFull
from redis.exceptions import RedisError
from rest_framework import exceptions as drf

from apps.foundation.correlation import current_correlation_id
from apps.foundation.errors import HQError

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
GENERIC = "non_field_errors"
Errors = list[dict[str, Any]]


def problem(
    *, status: int, code: str, detail: str, errors: Errors | None = None, facts: dict[str, Any] | None = None
) -> HttpResponse:
    """One problem document: type, title, status, detail, code, correlation_id, and errors and facts if any."""
    body: dict[str, Any] = {
        "type": f"urn:tradinghq:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "correlation_id": current_correlation_id(),
    }
    if errors:
        body["errors"] = errors
    if facts:
        body["facts"] = facts
    return HttpResponse(orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)


def answer_exception(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler: what the client gets for ``error``. The unforeseen is logged with its traceback."""
    if isinstance(error, HQError):
        return _house_error(error)
    if isinstance(error, drf.ValidationError):
        errors = list(_flatten(error.get_full_details(), ""))
        return problem(status=400, code="validation_failed", detail=_sentence(errors), errors=errors)
    if isinstance(error, drf.APIException):
        return _framework_error(error)
    status, code, detail = _other(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, IntegrityError):
        request = context.get("request")
        log.error("request_failed", code=code, path=getattr(request, "path", None), exc_info=error)
    return problem(status=status, code=code, detail=detail)


def _house_error(error: HQError) -> HttpResponse:
    errors: Errors | None = None
    if error.field:
        errors = [{"field": error.field, "code": error.code, "detail": error.message}]
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_not_done", code=error.code, reason=error.message)
    answer = problem(status=error.status, code=error.code, detail=error.message, errors=errors, facts=error.facts)
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Bearer realm="api"'
    if "retry_after" in error.facts:
        answer["Retry-After"] = str(error.facts["retry_after"])
    return answer


_FRAMEWORK_CODES = {
    "parse_error": "malformed_body",
    "not_found": "not_found",
    "method_not_allowed": "method_not_allowed",
    "unsupported_media_type": "unsupported_media_type",
    "not_acceptable": "not_acceptable",
    "throttled": "too_many_requests",
    "not_authenticated": "not_authenticated",
    "token_not_valid": "token_not_valid",
    "permission_denied": "role_too_low",
}


def _framework_error(error: drf.APIException) -> HttpResponse:
    detail = error.detail
    if isinstance(detail, dict):
        found, text = str(detail.get("code", error.default_code)), str(detail.get("detail", error.default_detail))
    else:
        found, text = str(getattr(detail, "code", None) or error.default_code), str(detail)
    answer = problem(status=error.status_code, code=_FRAMEWORK_CODES.get(found, found), detail=text)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        answer["WWW-Authenticate"] = challenge
    return answer


def _other(error: Exception) -> tuple[int, str, str]:
    if isinstance(error.__cause__, DiskFull):
        return 503, "disk_full", "The disk is full: nothing can be recorded. Make room, then try again."
    for kinds, status, code, detail in _KNOWN:
        if isinstance(error, kinds):
            return status, code, detail
    return 500, "internal_error", "Something failed that nobody foresaw. It is logged under this correlation id."


_KNOWN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int, str, str], ...] = (
    (Http404, 404, "not_found", "There is nothing at this address for you."),
    (PermissionDenied, 403, "role_too_low", "Your role does not allow this."),
    (RequestDataTooBig, 413, "body_too_large", "The body is too large."),
    (SuspiciousOperation, 400, "bad_request", "The request is malformed."),
    (DjangoValidationError, 400, "validation_failed", "A value in the request can't be read."),
    (DataError, 400, "value_out_of_range", "A value in the request does not fit its field."),
    (IntegrityError, 409, "constraint_refused", "The database refused this change: it would break one of its rules."),
    ((OperationalError, InterfaceError), 503, "database_away", "The database is away or busy. Try again soon."),
    (DatabaseError, 500, "internal_error", "The database refused the request. It is logged under this correlation id."),
    (RedisError, 503, "redis_away", "Redis can't be reached. Try again soon."),
    (BrokerAway, 503, "broker_away", "The task queue can't be reached. Try again soon."),
)


def _flatten(detail: Any, field: str) -> Iterator[dict[str, Any]]:
    """DRF's nested details as one list: ``{field: "legs.0.quantity", code, detail}``; a generic one has no field."""
    if _is_leaf(detail):
        yield {"field": field or None, "code": str(detail["code"]), "detail": str(detail["message"])}
    elif isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(inner, field if name == GENERIC else f"{field}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            yield from _flatten(inner, field if _is_leaf(inner) else f"{field}.{place}".lstrip("."))


def _is_leaf(detail: Any) -> bool:
    return isinstance(detail, dict) and set(detail) == {"message", "code"} and isinstance(detail["message"], str)


def _sentence(errors: Errors) -> str:
    told = [f"{error['field']}: {error['detail']}" if error["field"] else str(error["detail"]) for error in errors[:3]]
    more = f" ({len(errors) - 3} more)" if len(errors) > 3 else ""  # noqa: PLR2004
    return " ".join(told) + more


def is_api(request: HttpRequest) -> bool:
    """Whether the client speaks to the API, so that it must get a problem and not a page."""
    return request.path.startswith("/api/")
