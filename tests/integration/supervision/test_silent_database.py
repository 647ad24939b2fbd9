"""A command beside no running firm says so in a sentence, instead of a traceback."""

import os
import subprocess
import sys

from django.conf import settings


def typed(*words, **changes) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")} | changes
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, check=False, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=120
    )


def test_it_names_the_home_and_what_to_do(tmp_path):
    ran = typed("verify_books", HQ_HOME=str(tmp_path))
    assert ran.returncode == 1
    assert f"No firm runs in the home {tmp_path}" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert ran.stdout == ""


def test_a_database_of_ones_own_is_named_by_its_setting(tmp_path):
    away = {"DATABASE_URL": "postgresql://hq_app:kept@127.0.0.1:1/tradinghq"}
    ran = typed("verify_books", HQ_HOME=str(tmp_path), **away)
    assert ran.returncode == 1
    assert "The database that DATABASE_URL names does not answer" in ran.stderr
    assert "kept" not in ran.stderr
