"""The web process: HTTP by Django, the stream by Channels. Run it with uvicorn."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from apps.foundation.logs import configure_logging  # noqa: E402 - Django is set up first
from tradinghq.unsafe_settings import refuse_to_start  # noqa: E402
from tradinghq.websocket.routes import urlpatterns  # noqa: E402

configure_logging("web")
refuse_to_start()
# whitenoise reads a file in a thread, which is what we want of it.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
# A ticket lets a socket in, and only a signed-in page can get one: the origin of the request adds nothing to that.
application = ProtocolTypeRouter({"http": django_application, "websocket": URLRouter(urlpatterns)})
