"""Files are named by what they do; nothing unfinished stays; docker/ can't hide the Docker SDK."""

import re
import subprocess

from tests.architecture.source_tree import ROOT, python_files, shown

VAGUE = {"utils", "util", "helpers", "helper", "services", "service", "manager", "managers", "common", "base", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def _tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split("\n")[:-1]


def test_no_file_or_folder_has_a_vague_name():
    parts = {(shown(path), part) for path in python_files() for part in (path.stem, *path.relative_to(ROOT).parts[:-1])}
    assert sorted(name for name, part in parts if part in VAGUE) == []


def test_nothing_unfinished_stays():
    files = [ROOT / name for name in _tracked("*.py", "*.ts", "*.vue", "*.md", "Makefile")]
    marks = [shown(path) for path in files if path.is_file() and UNFINISHED.search(path.read_text())]
    assert [name for name in marks if name != "tests/architecture/test_names.py"] == []


def test_the_docker_folder_is_no_package():
    assert [name for name in _tracked("docker") if name.endswith(".py")] == []


def test_no_package_registry_is_named():
    host = re.compile(r"(index-url|registry)\s*[=:]\s*[\"']?https?://", re.IGNORECASE)
    files = [ROOT / name for name in _tracked() if not name.endswith((".png", ".svg", ".ico"))]
    named = [path for path in files if path.is_file() and host.search(path.read_text(errors="ignore"))]
    assert [shown(path) for path in named] == []


def test_constraints_pin_every_requirement_to_one_version():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!-]+", line)] == []
    project = (ROOT / "pyproject.toml").read_text()
    required = re.findall(r'^\s+"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?[><=~]', project, flags=re.MULTILINE)
    pinned = {re.split(r"[=\[]", line)[0].lower().replace("_", "-") for line in lines}
    assert [name for name in required if name.lower().replace("_", "-") not in pinned] == []
