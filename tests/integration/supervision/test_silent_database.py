"""A command beside no running firm, or in a home that is none, says so in a sentence and leaves nothing behind."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.support.candle_files import write_candles
from tradinghq.house_identity import house_key
from tradinghq.instance_secrets import secret_key


def typed(*words, **changes) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")} | changes
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, check=False, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def home(tmp_path):
    """A home that was set up, of a firm that does not run."""
    folder = tmp_path / "home"
    assert secret_key(folder)
    assert house_key(folder)
    return folder


def test_it_names_the_home_and_what_to_do(home):
    ran = typed("verify_books", HQ_HOME=str(home))
    assert ran.returncode == 1
    assert f"No firm runs in the home {home}" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("exists", [False, True], ids=["mistyped", "empty"])
@pytest.mark.parametrize("command", ["verify_books", "reset_admin", "bridge_key", "reset_paper --yes", "migrate"])
def test_a_home_that_was_never_set_up_is_refused_and_stays_as_it_was(tmp_path, command, exists):
    wrong = tmp_path / "wrong"
    if exists:
        wrong.mkdir()
    ran = typed(*command.split(), HQ_HOME=str(wrong))
    assert ran.returncode == 1
    assert f"HQ_HOME is {wrong}, where no firm was ever set up" in ran.stderr
    assert "HQ_HOME=FOLDER before the command" in ran.stderr
    assert "make run" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert wrong.exists() is exists
    assert [*tmp_path.rglob("*")] == ([wrong] if exists else [])


def test_a_word_that_is_no_command_is_told_as_that_without_a_home_too(tmp_path):
    ran = typed("new_stratgy", "x", HQ_HOME=str(tmp_path / "nowhere"))
    assert ran.returncode == 1
    assert "Unknown command: 'new_stratgy'. Did you mean new_strategy?" in ran.stderr
    assert "set up" not in ran.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_home_that_lost_one_of_its_secrets_is_none(home):
    (home / "house-token").unlink()
    ran = typed("verify_books", HQ_HOME=str(home))
    assert "where no firm was ever set up" in ran.stderr
    assert [path.name for path in home.iterdir()] == ["secret-key"]


def test_what_is_given_by_the_environment_need_not_lie_in_the_home(tmp_path):
    given = {"HQ_SECRET_KEY": "s" * 40, "HQ_HOUSE": "h" * 20, "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z"}
    ran = typed("verify_books", HQ_HOME=str(tmp_path), **given)
    assert "The database that DATABASE_URL names does not answer" in ran.stderr
    assert [*tmp_path.iterdir()] == []


def test_what_needs_no_house_works_without_a_home_and_makes_none(tmp_path):
    file = write_candles(tmp_path, "BTC/USDT", bars=700)
    nowhere = {"HQ_HOME": str(tmp_path / "nowhere")}
    ran = typed("backtest", "--data", str(file), "--strategy", "sma_cross", **nowhere)
    assert ran.returncode == 0, ran.stderr
    words = ("--data", str(file), "--strategy", "sma_cross", "--folds", "2", "--trials", "2", "--processes", "2")
    ran = typed("search", *words, "--objective", "total_return", **nowhere)
    assert ran.returncode == 0, ran.stderr
    (tmp_path / "package").mkdir()
    assert typed("new_strategy", "six_down", "--into", str(tmp_path / "package"), **nowhere).returncode == 0
    assert typed("verify_books", "--help", **nowhere).returncode == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_database_of_ones_own_is_named_by_its_setting(home):
    away = {"DATABASE_URL": "postgresql://hq_app:kept@127.0.0.1:1/tradinghq"}
    ran = typed("verify_books", HQ_HOME=str(home), **away)
    assert ran.returncode == 1
    assert "The database that DATABASE_URL names does not answer" in ran.stderr
    assert "kept" not in ran.stderr
