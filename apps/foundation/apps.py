from django.apps import AppConfig

from apps.foundation import money


class FoundationConfig(AppConfig):
    name = "apps.foundation"
    label = "foundation"

    def ready(self) -> None:
        money.widen_precision()
