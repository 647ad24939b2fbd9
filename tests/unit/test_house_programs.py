"""Which processes carry which loops."""

from pathlib import Path

import pytest

from tradinghq.supervision.house_programs import HouseSettings, house_programs


def loops_of(*, workers=1, **environment):
    house = HouseSettings(
        home=Path("/home"),
        directory=Path("/code"),
        host="127.0.0.1",
        port=8000,
        workers=workers,
        runtime="process",
        environment=environment,
        embedded_postgres=None,
        embedded_redis=None,
    )
    return {one.name: one.environment.get("HQ_LOOPS", "").split(",") for one in house_programs(house)}


def test_without_peers_nobody_carries_the_bridge():
    assert not any("bridge" in loops for loops in loops_of().values())


@pytest.mark.parametrize("name", ["HQ_PEERS", "HQ_PEERS_FILE"])
def test_of_several_executors_the_first_carries_the_bridge_alone(name):
    carry = [process for process, loops in loops_of(workers=3, **{name: "hq-2"}).items() if "bridge" in loops]
    assert carry == ["execution-1"]
    assert "bridge" in loops_of(**{name: "hq-2"})["execution"]
