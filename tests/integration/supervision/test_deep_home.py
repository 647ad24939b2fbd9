"""A home whose path is longer than a unix socket's may be."""

from pathlib import Path

from apps.management.adapters.supervisor_control import LONGEST_SOCKET_PATH, control_socket
from tests.support.running_supervisor import RunningSupervisor


def test_the_supervisor_is_reached_in_a_deep_folder(tmp_path):
    home = tmp_path / ("deep" * 20) / ("deeper" * 20)
    home.mkdir(parents=True)
    path = control_socket(home)
    assert len(str(path)) <= LONGEST_SOCKET_PATH
    assert path == control_socket(home)
    assert path != control_socket(home / "other")
    supervisor = RunningSupervisor(home, {})
    try:
        assert supervisor.control.processes() == []
        assert path.stat().st_mode & 0o077 == 0
    finally:
        supervisor.end()


def test_a_short_home_holds_its_socket():
    assert control_socket(Path("/var/hq")) == Path("/var/hq/supervisor/control.sock")
