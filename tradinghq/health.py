"""``/healthz``: this process answers. ``/readyz``: which part is not ready. ``/metrics``: for Prometheus."""

from typing import Any

import orjson
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.foundation import process_metrics
from apps.foundation.health import check_parts
from apps.management.queries import health_view
from apps.market.queries import current_moment, market_clock

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
    found = [_part(one.part, ok=one.ok, detail=one.detail) for one in check_parts()]
    if not all(part["ok"] for part in found if part["part"] == "postgres"):
        return found  # what is known of the others is kept there
    try:
        moment = current_moment()
        clock, loops = market_clock(), health_view(moment)["processes"]
    except DatabaseError as error:
        return [*found, _part("rooms", ok=False, detail=f"Their state can't be read ({type(error).__name__}).")]
    running = clock.state == "running"
    late = [loop for loop in loops if loop["late"]]
    return [
        *found,
        _part("market data", ok=running, detail="" if running else clock.message or f"The market is {clock.state}."),
        _part("workers", ok=bool(loops), detail="" if loops else "No loop of any worker has beaten lately."),
        *(_part(loop["name"], ok=False, detail=f"It has not beaten for {loop['age_seconds']:.0f} s.") for loop in late),
    ]


def _part(name: str, *, ok: bool, detail: str) -> dict[str, Any]:
    return {"part": name, "ok": ok, "detail": detail}
