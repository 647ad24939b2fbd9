"""Builds the runtime that the settings name, for tasks and commands."""

import sys
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.management.adapters.process_runtime import ProcessRuntime
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl
from apps.management.ports import Runtime

AGENT_COMMAND = (sys.executable, "-m", "workers.agent_process")


@cache
def runtime() -> Runtime:
    """The runtime of ``HQ_RUNTIME``. Raises ``ImproperlyConfigured`` for one there is not: nothing is substituted."""
    if settings.HQ_RUNTIME != "process":
        raise ImproperlyConfigured(f"HQ_RUNTIME was {settings.HQ_RUNTIME!r}; the runtimes there are: process.")
    return ProcessRuntime(
        SupervisorFolder(settings.HQ_HOME), SupervisorControl(settings.HQ_SUPERVISOR_SOCKET), settings.BASE_DIR
    )
