from django.apps import AppConfig


class TradingHQConfig(AppConfig):
    """Commands a person types and the wiring of the house."""

    name = "tradinghq"
    label = "tradinghq"
