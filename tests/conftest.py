"""Real servers for every test: the ones named by DATABASE_URL and REDIS_URL, else embedded ones that end with the run.

The environment is complete before Django's settings are read, hence the settings module is named here and not in
pyproject.toml.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support import servers_of_a_run

servers_of_a_run.prepare_environment()

import django  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402

django.setup()
# How long examples take says how busy the machine is; what they show is what is tested.
hypothesis.settings.register_profile("house", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")

from tests.support.cloned_database import clone_for_transaction_tests, drop_clone  # noqa: E402
from tests.support.firm_tests_on_one_worker import FirmTestsOnOneWorker  # noqa: E402
from tests.support.requirements import check_requirements  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    clone_for_transaction_tests()
    if config.getoption("numprocesses", default=None):
        # A worker that inherited it would read the settings before it has a Redis database of its own.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FirmTestsOnOneWorker:
    return FirmTestsOnOneWorker(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: the collector need not look at it after every few tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_runtest_setup(item: pytest.Item) -> None:
    check_requirements(item)


@pytest.fixture(scope="session", autouse=True)
def _clone_ends_with_the_run(django_db_blocker) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        drop_clone()


def pytest_unconfigure(config: pytest.Config) -> None:
    servers_of_a_run.end_servers()


@pytest.fixture
def clean_redis():
    """An empty Redis database, for the tests that read or write it."""
    from apps.foundation.redis_pool import client

    client().flushdb()
    return client()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for what listens on sockets in it, as GnuPG's agent does: their paths have 107 characters at most."""
    path = Path(tempfile.mkdtemp(prefix="hq-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
