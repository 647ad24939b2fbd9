from django.apps import AppConfig


class TradingHQConfig(AppConfig):
    """Commands a person types and the wiring of the house."""

    name = "tradinghq"
    label = "tradinghq"

    def ready(self) -> None:
        """Make our Celery application the current one, so that every process that knows Django can enqueue."""
        from tradinghq import celery  # noqa: F401
