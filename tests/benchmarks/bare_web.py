"""The bare part of an API call: one Django view that answers JSON, on the same server program, without a database."""

import os

from django.conf import settings

settings.configure(
    SECRET_KEY=os.urandom(16).hex(), ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], USE_TZ=True, MIDDLEWARE=[]
)

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


def answer(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"bytes": len(request.body)}, status=201)


urlpatterns = [path("orders/", answer)]
app = get_asgi_application()
