"""The dashboard's one page, at every address that is nobody else's; its pages are routes of its own."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

INDEX = Path(settings.BASE_DIR) / "dashboard" / "dist" / "index.html"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


@require_safe
def dashboard(request: HttpRequest, path: str = "") -> HttpResponse:  # noqa: ARG001
    """The built page, never cached (its assets are named by content); when missing, a page that says what to do."""
    if "." in path.rsplit("/", 1)[-1]:
        return HttpResponseNotFound("There is no such file.\n", content_type="text/plain")
    if not INDEX.is_file():
        return HttpResponse(render_to_string("dashboard_missing.html"), status=503)
    page = HttpResponse(INDEX.read_bytes(), content_type="text/html; charset=utf-8")
    page["Cache-Control"] = "no-cache"
    page["Content-Security-Policy"] = POLICY
    page["Referrer-Policy"] = "same-origin"
    return page
