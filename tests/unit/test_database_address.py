"""A PostgreSQL address from one line."""

import pytest

from tradinghq.database_address import database_at
from tradinghq.environment import EnvironmentRefused


def test_an_address_is_read_whole_and_its_signs_are_decoded():
    found = database_at("postgresql://hq_owner:a%40b%2Fc@db:5433/tradinghq")
    assert {name: found[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")} == {
        "USER": "hq_owner",
        "PASSWORD": "a@b/c",
        "HOST": "db",
        "PORT": "5433",
        "NAME": "tradinghq",
        "OPTIONS": {},
    }
    assert database_at("postgres://hq_app@db/tradinghq", pool=8)["OPTIONS"]["pool"]["max_size"] == 8


@pytest.mark.parametrize("address", ["mysql://hq_app@db/tradinghq", "db/tradinghq"])
def test_another_kind_of_database_is_refused(address):
    with pytest.raises(EnvironmentRefused, match="postgresql://"):
        database_at(address)
