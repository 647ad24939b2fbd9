import pytest

from tests.support.running_supervisor import running_supervisor


@pytest.fixture(scope="module")
def supervisor():
    with running_supervisor() as running:
        yield running


@pytest.fixture
def runtime(supervisor):
    yield supervisor.runtime
    for one in supervisor.runtime.observe():
        supervisor.runtime.stop(one.name)
