"""Research on candle files as processes of their own: what they load, and that they come to what the house comes to."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.support.candle_files import write_candles

# What a candle file does not need: the web, the database, the bus, exchanges, and what draws or learns.
HEAVY = ("rest_framework", "django.db.models", "psycopg", "redis", "celery", "structlog", "requests", "ccxt", "pandas")
TOLD = "import runpy, sys; runpy.run_path('manage.py', run_name='__main__'); print(*sys.modules, file=sys.stderr)"


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    return write_candles(tmp_path_factory.mktemp("candles"), "BTC/USDT", bars=700)


@pytest.fixture
def process(tmp_path):
    def run(*words, **more):
        command = [sys.executable, "-c", TOLD, *words]
        environment = os.environ | {"HQ_HOME": str(tmp_path), **more}
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_a_backtest_of_a_file_loads_no_house(candles, process):
    ran = process("backtest", "--data", str(candles), "--strategy", "sma_cross", "--json")
    assert ran.returncode == 0, ran.stderr
    loaded = {name for name in HEAVY if name in ran.stderr.split()}
    assert not loaded


def test_the_whole_firm_comes_to_the_same_without_the_house_around(candles, process, capsys):
    words = ("backtest", "--data", str(candles), "--strategy", "momentum", "--strategy", "breakout", "--json")
    ran = process(*words)
    call_command(*words)
    alone, within = json.loads(ran.stdout), json.loads(capsys.readouterr().out)
    assert alone["digest"] == within["digest"]
    assert alone["metrics"] == within["metrics"]
    assert alone["metrics"]["trades"]["trades"] > 0


def test_what_was_compiled_once_is_read_from_then_on(candles, process):
    words = ("backtest", "--data", str(candles), "--strategy", "sma_cross")
    process(*words)
    told = process(*words, NUMBA_DEBUG_CACHE="1").stdout
    assert "data loaded from" in told
    assert "data saved to" not in told


def test_a_wrong_word_is_refused_with_a_sentence(candles, process):
    ran = process("backtest", "--data", str(candles), "--strategy", "sma_crash")
    assert ran.returncode == 1
    assert "There is no strategy 'sma_crash'" in ran.stderr
    assert "Traceback" not in ran.stderr
