from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "apps.market"
    label = "market"

    def ready(self) -> None:
        from apps.market import wiring

        wiring.install()
