import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.management.adapters.supervised_programs import SupervisorFolder
from tests.faults.firm_facts import FirmFacts
from tests.support.running_firm import RunningFirm
from tradinghq.supervision.leftovers import end_leftovers

FULL = os.environ.get("HQ_DRILLS") == "full"
ROUNDS_OF_KILLS = 5 if FULL else 1


def pytest_report_header() -> str:
    profile = "full" if FULL else "short (HQ_DRILLS=full for the long one)"
    return f"faults: profile {profile}, {ROUNDS_OF_KILLS} round(s) of kills"


@pytest.fixture(scope="session")
def rounds_of_kills() -> range:
    return range(ROUNDS_OF_KILLS)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path that another user may enter: under root PostgreSQL is one."""
    path = Path(tempfile.mkdtemp(prefix="hq-firm-"))
    path.chmod(0o755)
    yield path
    end_leftovers(SupervisorFolder(path))  # a test that failed half-way must not leave a firm running
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def firm(home) -> Iterator[RunningFirm]:
    running = RunningFirm(home, SPEED="300")
    try:
        yield running.start(180)
    finally:
        if running.process is not None and running.process.poll() is None:
            running.stop()


@pytest.fixture
def facts(firm) -> FirmFacts:
    return FirmFacts(firm)
