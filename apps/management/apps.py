from django.apps import AppConfig


class ManagementConfig(AppConfig):
    name = "apps.management"
    label = "management"

    def ready(self) -> None:
        """Let ``/metrics`` say how the firm does."""
        from apps.foundation import process_metrics
        from apps.management.queries.firm_gauges import firm_gauges

        process_metrics.add_source(firm_gauges)
