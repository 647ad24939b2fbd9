"""What keeps `up` from starting is said in one sentence with its remedy, and nothing is left running."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.cloned_database import database_url
from tests.support.running_firm import free_port
from tradinghq.backup.unfinished_restore import begin_restore
from tradinghq.environment import EnvironmentRefused
from tradinghq.supervision.house_lock import take_lock

ROOT = Path(__file__).resolve().parents[3]
DOCKER = {"HQ_RUNTIME": "docker", "HQ_AGENT_IMAGE": f"sha256:{'0' * 64}"}
SWARM = DOCKER | {
    "HQ_RUNTIME": "swarm",
    "REDIS_URL": "redis://:x@redis.example:6379/0",
    "HQ_AGENT_NETWORK": "agents",
    "HQ_AGENT_REDIS_URL": "redis://redis:6379/0",
}


def up(home, **changes) -> subprocess.CompletedProcess[str]:
    gone = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    environment |= {"HQ_HOME": str(home), "HQ_PORT": str(free_port()), "MARKET": "simulated", **changes}
    return subprocess.run(
        [sys.executable, "manage.py", "up"],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_port_in_use(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(up(tmp_path, HQ_PORT=str(port)), f"Port {port}", "HQ_PORT=")
    assert not (tmp_path / "embedded").exists()


def test_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    refused(up(tmp_path / "file" / "home"), "HQ_HOME", "can't be written")


def test_a_setting_that_makes_no_sense(tmp_path):
    refused(up(tmp_path, MARKET="moon"), "MARKET", "'moon'", "live, recorded, simulated")
    refused(up(tmp_path, HQ_PORT="eighty"), "HQ_PORT", "'eighty'")
    refused(up(tmp_path, INSTRUMENTS="ETH/USDT,BTC-USDT"), "INSTRUMENTS: 'BTC-USDT' is no instrument", "BTC/USDT")


def test_a_recorded_market_without_files(tmp_path):
    tmp_path.chmod(0o755)
    done = up(tmp_path, MARKET="recorded", RECORDED_DIR=str(tmp_path / "nothing"))
    refused(done, "RECORDED_DIR")
    assert list((tmp_path / "supervisor" / "running").glob("*.json")) == []


def test_a_home_that_another_process_holds(tmp_path):
    holder = "import sys, time; from pathlib import Path; from tradinghq.supervision.house_lock import take_lock;"
    holder += "take_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    running = subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentRefused) as told:
            take_lock(tmp_path)
        assert str(running.pid) in str(told.value)
    finally:
        running.kill()
        running.wait()
    os.close(take_lock(tmp_path))  # the kernel gave it back


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"NEURAL": "perhaps"}, ("NEURAL was 'perhaps'", "must be 1 or 0")),
        (DOCKER | {"HQ_RUNTIME": "swarm"}, ("HQ_RUNTIME=swarm without REDIS_URL", "overlay network")),
        (SWARM | {"DOCKER_HOST": "unix:///nowhere.sock"}, ("HQ_RUNTIME was swarm", "engine does not answer")),
        ({"VENUE": "simulated", "MARKET": "live"}, ("VENUE was simulated", "MARKET=simulated")),
        (DOCKER | {"HQ_AGENT_IMAGE": "tradinghq-agent:0.1.0"}, ("names no image by its content", "make image-agent")),
        (DOCKER | {"REDIS_URL": "redis://:x@127.0.0.1:6379/0"}, ("where a container finds only itself",)),
        (DOCKER | {"DOCKER_HOST": "unix:///nowhere.sock"}, ("HQ_RUNTIME was docker", "engine does not answer")),
    ],
)
def test_a_setting_with_nothing_behind_it(tmp_path, changes, words):
    refused(up(tmp_path, **changes), *words)
    assert not (tmp_path / "embedded").exists()


@pytest.mark.django_db(transaction=True)
def test_a_venue_that_is_no_account(tmp_path, clean_redis):
    elsewhere = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    refused(up(tmp_path, VENUE="nobody", MARKET="live", **elsewhere), "VENUE was 'nobody'", "There are: paper")


def test_a_restore_that_was_not_finished(tmp_path):
    begin_restore(tmp_path, Path("/elsewhere/hq-1.backup.gpg"))
    refused(up(tmp_path), "hq-1.backup.gpg", "not finished", "--replace")
    assert not (tmp_path / "embedded").exists()
