import os

import pytest

from tests.support.supervisor_fixtures import runtime, supervisor  # noqa: F401 - fixtures

FULL = os.environ.get("HQ_DRILLS") == "full"
ROUNDS_OF_KILLS = 5 if FULL else 1


def pytest_report_header() -> str:
    profile = "full" if FULL else "short (HQ_DRILLS=full for the long one)"
    return f"faults: profile {profile}, {ROUNDS_OF_KILLS} round(s) of kills"


@pytest.fixture(scope="session")
def rounds_of_kills() -> range:
    return range(ROUNDS_OF_KILLS)
