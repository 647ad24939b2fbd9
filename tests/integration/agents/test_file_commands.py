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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "backtest --strategy sma_cross --param fast=abc",
            "--param is written NAME=NUMBER, such as fast=20; was",
        ),
        ("backtest --strategy sma_cross@7m", "--strategy: '7m' is no timeframe"),
        ("search --strategy sma_cross --fee x", "argument --fee: a number is expected, such as 0.001; was 'x'."),
        ("sweep --fast x", "argument --fast: windows are written FIRST:LAST:STEP"),
        ("check_warmup", "the following arguments are required: --strategy."),
        ("train --start today", "argument --start: a day is written YYYY-MM-DD, such as 2026-01-31; was 'today'."),
        ("download_candles --start today", "a day is written YYYY-MM-DD, such as 2026-01-31; was 'today'."),
    ],
)
def test_what_the_command_line_can_not_take_is_one_sentence(process, words, told):
    ran = process(*words.split())
    assert ran.returncode == 2
    (sentence,) = (line for line in ran.stderr.splitlines() if line.startswith(("CommandError: ", "usage", "Trace")))
    assert told in sentence
    assert sentence.endswith(f"manage.py {words.split()[0]} --help")
    assert not ran.stdout


def test_help_still_begins_with_the_usage(process):
    listed = process("backtest", "--help")
    assert listed.returncode == 0
    assert listed.stdout.startswith("usage: ")


def test_a_wrong_word_is_refused_with_a_sentence(candles, process):
    ran = process("backtest", "--data", str(candles), "--strategy", "sma_crash")
    assert ran.returncode == 1
    assert "There is no strategy 'sma_crash'" in ran.stderr
    assert "Traceback" not in ran.stderr
