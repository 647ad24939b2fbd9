"""``/healthz``: this process answers. ``/readyz``: which part is not ready. ``/metrics``: for Prometheus."""

from typing import Any

import orjson
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.foundation import process_metrics
from apps.foundation.health import check_parts
from apps.market.queries import current_moment

NO_STORE = {"Cache-Control": "no-store"}


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Alive. Asks nothing of anybody else."""
    return HttpResponse(b'{"status":"alive"}', content_type="application/json", headers=NO_STORE)


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 when every part is ready, else 503; ``parts`` says which is not and why, ``not_ready`` names them."""
    parts = _parts()
    waiting = [part["part"] for part in parts if not part["ok"]]
    body = {"ready": not waiting, "not_ready": waiting, "parts": parts}
    return HttpResponse(
        orjson.dumps(body), status=503 if waiting else 200, content_type="application/json", headers=NO_STORE
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """All processes' counters and what the database knows, as Prometheus reads it."""
    try:
        text, kind = process_metrics.render()
    except DatabaseError:
        return HttpResponse("The database is away.\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=kind, headers=NO_STORE)


def _parts() -> list[dict[str, Any]]:
    found = [
        {"part": one.part, "ok": one.ok, "detail": one.detail, "milliseconds": one.milliseconds}
        for one in check_parts()
    ]
    if any(part["part"] == "postgres" and not part["ok"] for part in found):
        return found  # the other parts' state is kept there
    from apps.management.queries import health_view

    try:
        rooms: list[dict[str, Any]] = health_view(current_moment())["parts"]
    except DatabaseError as error:
        return [
            *found,
            {"part": "rooms", "ok": False, "detail": f"Their state can't be read ({type(error).__name__})."},
        ]
    known = {part["part"] for part in found}
    return [*found, *(part for part in rooms if part["part"] not in known)]
