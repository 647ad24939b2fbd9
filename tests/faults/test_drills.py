"""The drills that every test run plays, one after the other on one whole firm, checked against the exchange's own log.

``make drills`` plays all of them at full length.
"""

import shutil
import tempfile
from pathlib import Path

import pytest

from workers.drills.drill_firm import DrillFirm
from workers.drills.every_scenario import BOUNDED, SCENARIOS
from workers.drills.play import play

pytestmark = pytest.mark.faults
SEED = 5


@pytest.fixture(scope="module")
def drilled():
    home = Path(tempfile.mkdtemp(prefix="hq-drill-"))
    home.chmod(0o755)
    firm = DrillFirm(home)
    try:
        yield firm.start()
    finally:
        firm.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("code", BOUNDED)
def test_nothing_is_lost(drilled, code):
    result = play(SCENARIOS[code], drilled, seed=SEED)
    assert result.passed, f"seed {SEED}: {result.problems}\n" + "\n".join(
        f"{at:7.1f} {text}" for at, text in result.steps
    )
