"""Torch costs seconds and hundreds of megabytes: only the inference worker and a training load it."""

import os
import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT

HOUSE = """
import django
django.setup()
import tradinghq.asgi, tradinghq.celery
import workers.agents, workers.execution, workers.fleet, workers.market, workers.upkeep, workers.stop_guard
import workers.inference
from apps.agents import ports
from apps.agents.domain.strategies.registry import build_strategy, strategy_names
for name in strategy_names():
    build_strategy(name, {})
content, card = ports.engine().shipped()
ports.engine().read(content, digest=card["digest"])
ports.engine().missing()
"""
AGENT = """
import workers.agent_process.run_agent
from apps.agents.domain.strategies.registry import build_strategy
build_strategy("neural", {})
"""
TELL = "import sys; print(sorted({'torch', 'numba'} & set(sys.modules)))"


@pytest.mark.parametrize("program", [HOUSE, AGENT], ids=["house", "agent"])
def test_no_process_of_the_house_loads_torch(program, tmp_path):
    """A package of that name stands on the path first, so that an import would succeed and be seen."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    ran = subprocess.run(
        [sys.executable, "-c", program + TELL], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"
