"""The dictionaries of the web parts: REST framework, tokens, OpenAPI. Nothing here reads the environment."""

from datetime import timedelta
from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.foundation.rest.authentication.SessionTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.foundation.rest.role_required.RoleRequired"],
    "DEFAULT_RENDERER_CLASSES": ["apps.foundation.rest.json_format.HouseJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.foundation.rest.json_format.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.foundation.rest.pages.CursorPages",
    "DEFAULT_FILTER_BACKENDS": [
        "apps.foundation.rest.list_filters.KnownParameters",
        "apps.foundation.rest.list_filters.KnownOrdering",
    ],
    "DEFAULT_SCHEMA_CLASS": "apps.foundation.rest.openapi.HouseSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.foundation.rest.answer_formats.KnownFormats",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "apps.foundation.rest.problems.answer_exception",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ALGORITHM": "HS256",
    "TOKEN_USER_CLASS": "apps.foundation.rest.authentication.TokenBearer",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "TradingHQ",
    "DESCRIPTION": (
        "Decimals are strings, times ISO 8601 UTC, instruments `BTC/USDT` in bodies and `BTC-USDT` in paths."
        " Every path works with and without its trailing slash."
        " Errors are `application/problem+json` (RFC 9457) with a stable `code`."
        " Lists are cursor pages, `?format=csv` exports them. A mutating request may carry an `Idempotency-Key`."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["apps.foundation.rest.routes.only_slash_forms"],
    "POSTPROCESSING_HOOKS": [],  # choices stay where they are used instead of becoming components with made-up names
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "DISABLE_ERRORS_AND_WARNINGS": False,
}
