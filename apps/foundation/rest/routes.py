"""Every endpoint exists with and without its trailing slash, under the same view; instruments are BTC-USDT in paths."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path, register_converter

from apps.foundation.rest.serializer_fields import INSTRUMENT


class InstrumentConverter:
    """``<instrument:symbol>``: ``BTC-USDT`` in the path, ``BTC/USDT`` in the view."""

    regex = r"[A-Za-z0-9.]{1,20}-[A-Za-z0-9]{2,12}"

    def to_python(self, value: str) -> str:
        symbol = value.upper().replace("-", "/")
        if not INSTRUMENT.fullmatch(symbol):
            raise ValueError(value)
        return symbol

    def to_url(self, value: str) -> str:
        return value.replace("/", "-")


register_converter(InstrumentConverter, "instrument")


def endpoint(route: str, view: Callable[..., Any], *, name: str) -> list[URLPattern]:
    """Both slash forms of ``route`` (written with its slash, relative to ``/api/v1/``); the first carries the name.

    ``urlpatterns = [*endpoint("trading/orders/", OrdersView.as_view(), name="orders"), ...]``
    """
    if not route.endswith("/"):
        raise ValueError(f"Write the route with its trailing slash, was {route!r}.")
    return [path(route, view, name=name), path(route.rstrip("/"), view, name=f"{name}-bare")]


def only_slash_forms(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Keep one form of each endpoint in the OpenAPI document (a preprocessing hook of drf-spectacular)."""
    paths = {path for path, _, _, _ in endpoints}
    return [entry for entry in endpoints if entry[0].endswith("/") or f"{entry[0]}/" not in paths]
