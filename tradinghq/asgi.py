"""The web process: HTTP by Django, the stream by Channels. Run it with uvicorn."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application

# Our views are synchronous. Under Django's own ASGI handler each middleware would hop threads twice a request; here a
# request has one thread from end to end.
HTTP_THREADS = 8  # as many as the pool has connections
wsgi_application: Any = get_wsgi_application()  # the two packages write the same protocol down differently
django_application = WSGIMiddleware(wsgi_application, workers=HTTP_THREADS)

from apps.foundation.after_commit import send_from_a_thread  # noqa: E402 - Django is set up first
from apps.foundation.logs import configure_logging  # noqa: E402
from tradinghq.unsafe_settings import refuse_to_start  # noqa: E402
from tradinghq.websocket.routes import urlpatterns  # noqa: E402

configure_logging("web")
refuse_to_start()
if settings.HQ_PROCESS:
    send_from_a_thread()
# A ticket lets a socket in, and only a signed-in page can get one: the origin of the request adds nothing to that.
application = ProtocolTypeRouter({"http": django_application, "websocket": URLRouter(urlpatterns)})
