"""The compiler and research's libraries cost seconds and tens of megabytes: no process of the house loads them
beforehand.
"""

import os
import subprocess
import sys

from tests.architecture.source_tree import ROOT

LOADS_THE_HOUSE = """
import sys
import django
django.setup()
import tradinghq.asgi, tradinghq.celery
import workers.agents, workers.execution, workers.fleet, workers.market, workers.research, workers.upkeep
import workers.stop_guard
from apps.agents.domain.strategies.registry import build_strategy, strategy_names
for name in strategy_names():
    build_strategy(name, {})
print([name for name in ("numba", "llvmlite", "optuna", "pandas", "scipy", "matplotlib") if name in sys.modules])
"""


def test_no_process_of_the_house_loads_the_compiler_or_what_research_needs():
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tradinghq.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", LOADS_THE_HOUSE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"
