"""Where everything answers. A URL's prefix is not its room: ``trading/decisions/`` comes from the agents' room."""

from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.foundation.rest.routes import endpoint

ROOMS = ("apps.trading.api.urls", "apps.agents.api.urls", "apps.management.api.urls", "apps.market.api.urls")


def _room(module: str) -> list[Any]:
    return [path("api/v1/", include(module))] if find_spec(module) else []


urlpatterns = [
    path("api/v1/", include("apps.foundation.rest.auth_urls")),
    *[pattern for module in ROOMS for pattern in _room(module)],
    *endpoint("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    *endpoint("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("admin/", admin.site.urls),
]
