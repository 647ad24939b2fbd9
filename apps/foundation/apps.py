from django.apps import AppConfig
from django.db.models.signals import post_migrate

from apps.foundation import money


class FoundationConfig(AppConfig):
    name = "apps.foundation"
    label = "foundation"

    def ready(self) -> None:
        from apps.foundation.binding_triggers import bind_triggers

        money.widen_precision()
        post_migrate.connect(bind_triggers, sender=self, dispatch_uid="hq.bind_triggers")
