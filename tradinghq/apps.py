import gc
import os

from django.apps import AppConfig


class TradingHQConfig(AppConfig):
    """Commands a person types and the wiring of the house."""

    name = "tradinghq"
    label = "tradinghq"

    def ready(self) -> None:
        """Make our Celery application the current one in every process, watch accounts, register the start checks."""
        from apps.foundation.account_changes import watch_accounts
        from tradinghq import celery, unsafe_settings  # noqa: F401 - the second registers its checks

        watch_accounts()
        if os.environ.get("HQ_PROCESS"):
            # What is imported stays for good: the collector need not walk it again, least of all when the process ends.
            gc.freeze()
