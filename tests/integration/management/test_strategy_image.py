"""The Dockerfile that comes with a new strategy, built on a real engine."""

import subprocess

import pytest
from django.core.management import call_command

from tests.support.agent_image import agent_image

ASK = """
from apps.agents.domain.strategies.registry import build_strategy
print(build_strategy("five_down", {}).needs_bars)
"""
LOCKED = ("--network", "none", "--read-only", "--cap-drop", "ALL")


def docker(*words, cwd=None) -> str:
    done = subprocess.run(["docker", *words], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.docker
def test_the_agents_image_with_a_strategy_of_ones_own_can_build_it(tmp_path):
    agent_image()
    call_command("new_strategy", "five_down", into=tmp_path)
    folder = tmp_path / "five-down"
    docker("build", "--build-arg", "AGENT_IMAGE=tradinghq-agent:0.1.0", "--iidfile", "image-id", ".", cwd=folder)
    image = (folder / "image-id").read_text().strip()
    try:
        assert docker("run", "--rm", *LOCKED, image, "python", "-c", ASK).strip() == "4"
        user = docker("image", "inspect", "--format", "{{.Config.User}}", image).strip()
        assert user == "10001:10001"
    finally:
        docker("image", "rm", image)
