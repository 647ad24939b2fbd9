"""Where everything answers. A URL's prefix is not its room: ``trading/decisions/`` comes from the agents' room."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.foundation.rest.routes import endpoint
from tradinghq import health, problem_pages
from tradinghq.dashboard_page import dashboard

urlpatterns = [
    path("api/v1/", include("apps.foundation.rest.auth_urls")),
    path("api/v1/", include("apps.market.api.urls")),
    path("api/v1/", include("apps.trading.api.urls")),
    path("api/v1/", include("apps.agents.api.urls")),
    path("api/v1/", include("apps.management.api.urls")),
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
