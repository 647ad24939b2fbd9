"""Binds one correlation id to each request, the client's own when it sends a fit one, and sends it back."""

import re
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

from apps.foundation.correlation import bind
from apps.foundation.identifiers import new_id

HEADER = "X-Correlation-ID"
_FIT = re.compile(r"[A-Za-z0-9._:-]{8,64}", re.ASCII)
REQUEST_SECONDS = Histogram(
    "hq_http_request_seconds",
    "Duration of HTTP requests.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CorrelationMiddleware:
    """First in the chain, so that every log line and problem of the request carries the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        correlation_id = sent if _FIT.fullmatch(sent) else str(new_id())
        started = perf_counter()
        with bind(correlation_id=correlation_id):
            response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUEST_SECONDS.labels(method, route, response.status_code).observe(perf_counter() - started)
        response[HEADER] = correlation_id
        return response
