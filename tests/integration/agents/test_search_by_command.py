"""``manage.py search`` as a person runs it: what is ahead, its folds side by side, and how it ends early."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.support.candle_files import write_candles

WORDS = ("--strategy", "momentum", "--objective", "total_return", "--seed", "4")


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    return str(write_candles(tmp_path_factory.mktemp("candles"), "BTC/USDT", bars=700))


def test_folds_side_by_side_come_to_what_one_after_the_other_comes_to(candles, capsys):
    typed = ("search", "--data", candles, *WORDS, "--folds", "1", "--trials", "2", "--gap-bars", "0", "--json")
    reports = []
    for processes in (1, 2):
        call_command(*typed, processes=processes)
        captured = capsys.readouterr()
        reports.append(json.loads(captured.out))
        ahead = "1 test, each after its training, and everything once: 2 times 2 settings of momentum, the whole firm"
        assert captured.err.startswith(ahead)
    assert " in all, on 2 processes." in captured.err
    alone, together = reports
    assert alone.pop("run_seconds") > 0.0 < together.pop("run_seconds")
    assert alone == together


def test_a_process_that_ends_early_ends_the_search_and_the_others_with_a_sentence(candles, tmp_path):
    command = [sys.executable, "manage.py", "search", "--data", candles, *WORDS, "--trials", "900", "--processes", "2"]
    environment = os.environ | {"HQ_HOME": str(tmp_path)}
    search = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        folds = _wait_for(lambda: found if len(found := _folds(search.pid)) == 2 else ())
        os.kill(folds[0], signal.SIGKILL)
        _, told = search.communicate(timeout=240)
    finally:
        search.kill()
    assert search.returncode == 1
    assert "ended early with -9" in told
    assert "take --processes 1" in told
    assert "Traceback" not in told
    _wait_for(lambda: not any(Path(f"/proc/{fold}").exists() for fold in folds))


def _folds(parent: int) -> list[int]:
    """The processes of the folds; not the one that multiprocessing keeps for its semaphores."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _wait_for(condition, seconds=240):
    """What the condition comes to, generously: a loaded machine takes minutes to start three processes."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Not within {seconds} s.")
