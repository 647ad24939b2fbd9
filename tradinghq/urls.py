"""Where everything answers. A URL's prefix is not its room: ``trading/decisions/`` comes from the agents' room."""

from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.foundation.rest.routes import endpoint
from tradinghq import health, problem_pages
from tradinghq.dashboard_page import dashboard

ROOMS = ("apps.trading.api.urls", "apps.agents.api.urls", "apps.management.api.urls", "apps.market.api.urls")


def _room(module: str) -> list[Any]:
    found = find_spec(module.removesuffix(".urls")) and find_spec(module)
    return [path("api/v1/", include(module))] if found else []


urlpatterns = [
    path("api/v1/", include("apps.foundation.rest.auth_urls")),
    *[pattern for module in ROOMS for pattern in _room(module)],
    *endpoint("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    *endpoint("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/(?P<path>.*)$", problem_pages.NoEndpoint.as_view(), name="no-endpoint"),
    *endpoint("healthz/", health.healthz, name="healthz"),
    *endpoint("readyz/", health.readyz, name="readyz"),
    *endpoint("metrics/", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    re_path(r"^(?!static/|ws/|admin/)(?P<path>.*)$", dashboard, name="dashboard"),
]
handler400 = problem_pages.bad_request
handler403 = problem_pages.forbidden
handler404 = problem_pages.not_found
handler500 = problem_pages.server_error
