from tests.support.supervisor_fixtures import runtime, supervisor  # noqa: F401 - fixtures
