"""A real supervisor and the process runtime on top of it; a ``conftest.py`` imports what its tests ask for."""

import pytest

from tests.support.running_supervisor import running_supervisor


@pytest.fixture(scope="module")
def supervisor():
    with running_supervisor() as running:
        yield running


@pytest.fixture
def runtime(supervisor):
    """What a test started on it is stopped behind it."""
    yield supervisor.runtime
    for one in supervisor.runtime.observe():
        supervisor.runtime.stop(one.name)
