"""Which processes there are, and which loops they carry."""

import pytest

from tests.support.house_settings import house_settings
from tradinghq.supervision.house_programs import house_programs, inference_programs


def loops_of(*, workers=1, **environment):
    programs = house_programs(house_settings(workers=workers, **environment))
    return {one.name: one.environment.get("HQ_LOOPS", "").split(",") for one in programs}


def test_without_peers_nobody_carries_the_bridge():
    assert not any("bridge" in loops for loops in loops_of().values())


@pytest.mark.parametrize("name", ["HQ_PEERS", "HQ_PEERS_FILE"])
def test_of_several_executors_the_first_carries_the_bridge_alone(name):
    carry = [process for process, loops in loops_of(workers=3, **{name: "hq-2"}).items() if "bridge" in loops]
    assert carry == ["execution-1"]
    assert "bridge" in loops_of(**{name: "hq-2"})["execution"]


def test_each_device_has_one_worker_that_waits_to_be_started():
    first, second = inference_programs(house_settings(devices=("cuda0", "cuda1"), HQ_PGP_PASSPHRASE="secret"))
    assert (first.name, second.name) == ("inference-cuda0", "inference-cuda1")
    told = {name: second.environment[name] for name in ("HQ_DEVICE", "HQ_PROCESS", "HQ_LOOPS", "OMP_NUM_THREADS")}
    assert told == {
        "HQ_DEVICE": "cuda1",
        "HQ_PROCESS": "inference-cuda1",
        "HQ_LOOPS": "inference_device,inference_queue",
        "OMP_NUM_THREADS": "1",
    }
    assert second.argv[1:] == ("-m", "workers.loop_process")
    assert not second.start_at_once
    assert "HQ_PGP_PASSPHRASE" not in second.environment


def test_without_torch_there_is_no_device_and_no_worker():
    assert inference_programs(house_settings()) == []
