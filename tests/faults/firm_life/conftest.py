import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.management.adapters.supervised_programs import SupervisorFolder
from tests.faults.firm_facts import FirmFacts
from tests.support.running_firm import RunningFirm
from tradinghq.supervision.leftovers import end_leftovers


@pytest.fixture(scope="package")
def home() -> Iterator[Path]:
    """A short path that another user may enter: under root PostgreSQL is one."""
    path = Path(tempfile.mkdtemp(prefix="hq-firm-"))
    path.chmod(0o755)
    yield path
    end_leftovers(SupervisorFolder(path))  # a test that failed half-way must not leave a firm running
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="package")
def shared_firm(home) -> Iterator[RunningFirm]:
    """Started as by a person who has set nothing: its password is the one that it made."""
    running = RunningFirm(home, SPEED="120", HQ_ADMIN_PASSWORD="")
    try:
        yield running
    finally:
        if running.process is not None and running.process.poll() is None:
            running.stop()


@pytest.fixture
def firm(shared_firm) -> RunningFirm:
    """The shared firm; started (again) when it does not run."""
    if shared_firm.process is None or shared_firm.process.poll() is not None:
        shared_firm.start(180)
    return shared_firm


@pytest.fixture
def facts(firm) -> FirmFacts:
    return FirmFacts(firm)


@pytest.fixture
def trading(firm, facts) -> RunningFirm:
    """The firm, once it decides: a blow before that would prove little."""
    firm.wait_for(lambda: facts.rounds() > 3, 180, "the first decisions")
    return firm
