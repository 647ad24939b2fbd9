"""What a test needs of the machine: missing, it skips with a reason; demanded by HQ_REQUIRE, it fails instead."""

import importlib.util
import os
import shutil
import socket
from pathlib import Path

import docker
import pytest

DOCKER_SOCKET = Path("/var/run/docker.sock")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def check_requirements(item: pytest.Item) -> None:
    """Skip or fail ``item`` when a machine's part that its markers name is missing."""
    for part, missing in _PARTS.items():
        if item.get_closest_marker(part):
            reason = missing()
            if reason:
                skip_or_fail(part, reason)


def skip_or_fail(part: str, reason: str) -> None:
    """Skip with ``reason``, or fail with it when HQ_REQUIRE names ``part``."""
    if part in os.environ.get("HQ_REQUIRE", "").split(","):
        pytest.fail(f"HQ_REQUIRE demands {part}: {reason}", pytrace=False)
    pytest.skip(reason)


def browser_path() -> str | None:
    """Chromium on the path, else what Playwright has installed, else None."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next((str(path) for path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"))), None)


def _no_browser() -> str | None:
    return (
        None if browser_path() else "Chromium is not installed (apt install chromium, or playwright install chromium)."
    )


def no_docker() -> str | None:
    """Why there is no Docker engine to speak to, else None."""
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(str(DOCKER_SOCKET))
        except OSError as error:
            return f"No Docker engine answers at {DOCKER_SOCKET}: {error}."
    return None


def _no_swarm() -> str | None:
    """Nobody makes this machine's engine a swarm's manager but its owner."""
    if reason := no_docker():
        return reason
    if docker.from_env().info()["Swarm"].get("ControlAvailable"):
        return None
    return "The Docker engine manages no swarm (docker swarm init --advertise-addr 127.0.0.1)."


def _no_torch() -> str | None:
    return None if importlib.util.find_spec("torch") else "torch is not installed (make test NEURAL=1)."


_PARTS = {"browser": _no_browser, "docker": no_docker, "swarm": _no_swarm, "neural": _no_torch}
