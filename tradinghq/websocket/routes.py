from django.urls import path, re_path

from tradinghq.websocket.stream_consumer import StreamConsumer, UnknownSocket

urlpatterns = [
    path("ws/v1/stream/", StreamConsumer.as_asgi()),
    path("ws/v1/stream", StreamConsumer.as_asgi()),
    re_path(r"", UnknownSocket.as_asgi()),
]
