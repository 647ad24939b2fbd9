"""``backtest``, ``check_lookahead`` and ``check_warmup`` as a person types them."""

import csv
import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from apps.agents.domain.backtest.signal_backtest import Costs, run_signal
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.adapters.candle_column_files import read_columns
from tests.support.candle_files import write_candles
from tests.support.running_supervisor import ROOT
from tests.support.staged_market import stage_market


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("candles")
    write_candles(made, "BTC/USDT", bars=700)
    write_candles(made, "ETH/USDT", bars=700)
    return made


@pytest.fixture
def typed(folder, capsys):
    def run(command, *words, files=("BTCUSDT",)):
        data = [str(folder / f"binance_{name}_5m.csv.gz") for name in files]
        call_command(command, *(["--data", *data] if files else []), *words)
        return capsys.readouterr().out

    return run


def test_a_signal_is_tested_as_the_domain_tests_it(typed, folder, tmp_path):
    words = ("--strategy", "sma_cross", "--param", "fast=5", "--param", "slow=15", "--fee", "0.001")
    files = ("--trades", str(tmp_path / "trades.csv"), "--equity", str(tmp_path / "equity.csv"))
    found = json.loads(typed("backtest", *words, *files, "--json"))
    columns = read_columns(folder / "binance_BTCUSDT_5m.csv.gz")
    run = run_signal(build_strategy("sma_cross", {"fast": 5, "slow": 15}), columns, costs=Costs(fee=0.001))
    assert (found["mode"], found["digest"]) == ("signal", run.digest)
    assert found["metrics"]["trades"]["trades"] == len(run.performance.trades) == len(found["trades"]) > 5
    assert found["metrics"]["equity"]["total_return"] == run.performance.curve.total_return
    assert set(found["timings"]) == {"read_seconds", "run_seconds"}
    trades = list(csv.DictReader((tmp_path / "trades.csv").open()))
    assert [float(row["profit"]) for row in trades] == run.performance.trades.profit.tolist()
    equity = list(csv.DictReader((tmp_path / "equity.csv").open()))
    assert [float(row["equity"]) for row in equity] == run.performance.curve.values.tolist()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ["backtest", "--strategy", "momentum", "--instruments", "BTC/USDT"],
            "--data FILE takes candle files instead.",
        ),
        (["train", "--data", "none.csv.gz"], "--out NAME writes a file instead."),
    ],
    ids=["stored candles", "registry"],
)
def test_without_the_firms_database_the_command_says_so_before_it_works(tmp_path, words, wanted):
    embedded = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        check=False,
        cwd=ROOT,
        env=embedded | {"HQ_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"{wanted} No firm runs in the home {tmp_path}, so its database does not answer." in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_the_whole_firm_over_two_instruments_and_two_strategies(typed, tmp_path):
    words = (
        "--strategy",
        "momentum@15m",
        "--strategy",
        "breakout",
        "--param",
        "entry=10",
        "--strategy",
        "mean_reversion",
    )
    orders = tmp_path / "orders.csv"
    both = ("BTCUSDT", "ETHUSDT")
    found = json.loads(typed("backtest", *words, "--json", "--orders", str(orders), files=both))
    assert found["mode"] == "firm"
    assert [s["instrument"] for s in found["stated"]["series"]] == ["BTC/USDT", "ETH/USDT"]
    assert sum(found["outcomes"].values()) == 2 * 700 + 2 * 233
    written = list(csv.DictReader(orders.open()))
    assert {row["instrument"] for row in written} <= {"BTC/USDT", "ETH/USDT"}
    assert written
    again = json.loads(typed("backtest", *words, "--json", files=both))
    assert again["digest"] == found["digest"]
    other = json.loads(typed("backtest", *words, "--json", "--seed", "2", files=both))
    assert other["digest"] != found["digest"]
    assert other["metrics"]["equity"] == found["metrics"]["equity"]


def test_what_a_person_reads_names_the_run_its_figures_and_why_not(typed):
    said = typed("backtest", "--strategy", "breakout", "--limit", "max_order_notional=100")
    assert said.startswith("The whole firm: breakout on BTC/USDT 5m (binance). 700 candles in ")
    for word in (
        "buy and hold",
        "Sharpe",
        "largest drawdown",
        "closed trades",
        "MAE",
        "2026-03",
        "growth a year (CAGR)                         -               -",
        "growth a year (CAGR): A run of 2.4 days is not annualised:",
        "Rounds came to:",
        "Digest ",
    ):
        assert word in said


def test_a_run_that_a_limit_stopped_says_so_before_its_figures(typed):
    words = ("--strategy", "momentum", "--limit", "max_drawdown=0.001", "--limit", "max_daily_loss=0.9")
    found = json.loads(typed("backtest", *words, "--json"))["metrics"]["stopped"]
    assert 0 < found["after_days"] < found["days"] == pytest.approx(700 / 288)
    said = typed("backtest", *words)
    head, _, below = said.partition("buy and hold")
    assert found["told"] in head
    assert found["reason"].startswith("Fell ")
    assert found["kind"] == "drawdown"
    assert found["reason"] in found["told"]
    assert "--resume-daily assumes that somebody resumes each morning; --limit max_drawdown=SHARE sets" in head
    assert found["reason"] not in below
    whole = typed("backtest", "--strategy", "momentum", "--limit", "max_drawdown=0.9", "--limit", "max_daily_loss=0.9")
    assert "Trading stopped" not in whole


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategy", "astrology"), "There is no strategy 'astrology'"),
        (("--strategy", "sma_cross", "--param", "fast=60"), "fast was 60; it must be below slow"),
        (("--strategy", "sma_cross", "--param", "speed=6"), "has no parameter 'speed'"),
        (("--strategy", "sma_cross", "--orders", "x.csv"), "--orders goes with a firm's run"),
        (("--strategy", "sma_cross", "--fee", "10"), r"fee was 10; it must lie between 0 and 0\.1\."),
        (("--strategy", "momentum", "--fee", "10"), r"fee was 10; it must lie between 0 and 0\.1\."),
        (("--strategy", "momentum", "--slippage-bps", "-1"), "slippage_bps was -1; it must lie between 0 and 1000"),
        (("--strategy", "sma_cross", "--limit", "max_drawdown"), "--limit is written NAME=VALUE"),
        (("--strategy", "sma_cross", "--limit", "sky=1"), "sky"),
        (("--strategy", "sma_cross", "--mode", "signal", "--strategy", "breakout"), "mode signal tests one strategy"),
        (("--strategy", "sma_cross", "--end", "2020-01-01"), "--end was 2020-01-01: no candle opens before it"),
        (("--strategy", "sma_cross", "--instruments", "BTC/USDT,ETH/USDT"), "names 2 for 1 files"),
        (("--strategy", "sma_cross", "--mode", "firm", "--start", "2030-01-01"), "No bar of BTC/USDT"),
        (("--strategy", "sma_cross", "--resume-daily"), "resumes_daily belong to the firm's run"),
        (("--strategy", "sma_cross", "--limit", "max_drawdown=0.3"), "limits belong to the firm's run"),
        (("--strategy", "sma_cross", "--timeframe", "1h"), "--timeframe chooses among stored candles"),
        (("--param", "fast=20", "--strategy", "sma_cross"), "name the strategy first"),
        (("--strategy", "sma_cross", "--param", "fast"), "--param is written NAME=NUMBER"),
        (("--strategy", "sma_cross@7m"), "'7m' is no timeframe"),
    ],
)
def test_what_can_not_be_run_is_refused_by_name(typed, words, told):
    with pytest.raises(CommandError, match=told):
        typed("backtest", *words)


def test_a_file_that_is_not_there_is_named(typed):
    with pytest.raises(CommandError, match=r"binance_XRPUSDT_5m\.csv\.gz can't be read"):
        typed("backtest", "--strategy", "sma_cross", files=("XRPUSDT",))


FETCH = "Fetch more: manage.py download_candles --start YYYY-MM-DD writes longer files; or "


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("search", "--strategy", "momentum", "--folds", "19"),
            f"need 490 bars; there are 300. Take fewer folds, or more candles. {FETCH}choose a longer period",
        ),
        (
            ("search", "--strategy", "momentum", "--folds", "19", "--start", "2026-03-02"),
            f"{FETCH}leave out --start or --end, where the files hold more.",
        ),
        (
            ("check_warmup", "--strategy", "momentum", "--param", "slow=390"),
            "candles of BTC/USDT, there are 300. Fetch more: manage.py download_candles",
        ),
        (
            ("train", "--horizon", "300", "--out", "model"),
            f"A sample needs 397 candles in a row without a gap; the longest series has 300. {FETCH}",
        ),
    ],
    ids=["search", "search of a period", "check", "train"],
)
def test_too_few_candles_are_told_with_the_numbers_and_what_to_do(tmp_path, words, told):
    file = write_candles(tmp_path, "BTC/USDT", bars=300)
    with pytest.raises(CommandError) as refused:
        call_command(words[0], "--data", str(file), *words[1:])
    assert told in str(refused.value)


@pytest.mark.parametrize("check", ["check_lookahead", "check_warmup"])
def test_a_check_tells_what_it_looked_at(typed, check):
    said = typed(check, "--strategy", "momentum", "--points", "15", files=("BTCUSDT", "ETHUSDT"))
    assert said.count("momentum on ") == 2
    assert "15 bars: No vote " in said


def test_a_check_that_finds_something_fails_with_it(typed, monkeypatch):
    class Remembers:
        name, needs_bars, asked = "remembers", 5, 0

        def vote(self, view):
            from apps.agents.domain.strategies.contract import StrategyVote

            Remembers.asked += 1
            return StrategyVote((-1.0) ** self.asked, 0.5, abstain=False, horizon_bars=1, reason="")

    monkeypatch.setattr("apps.agents.domain.backtest.check_strategy.build_strategy", lambda *_: Remembers())
    with pytest.raises(CommandError, match="of a strategy that was built anew"):
        typed("check_lookahead", "--strategy", "sma_cross", "--points", "5")


@pytest.mark.django_db
def test_stored_candles_are_tested_without_a_file(typed):
    stage_market(history=80)
    found = json.loads(
        typed("backtest", "--strategy", "breakout", "--instruments", "BTC/USDT,ETH/USDT", "--json", files=())
    )
    assert [(s["instrument"], s["source"], s["candles"]) for s in found["stated"]["series"]] == [
        ("BTC/USDT", "staged", 80),
        ("ETH/USDT", "staged", 80),
    ]
    with pytest.raises(CommandError, match="No 1h candles of BTC/USDT are stored here; there are 1m"):
        typed("backtest", "--strategy", "breakout", "--instruments", "BTC/USDT", "--timeframe", "1h", files=())


def test_a_sweep_lists_every_pair_best_first_as_single_runs_have_them(typed, folder, tmp_path):
    words = ("--fast", "3:9:3", "--slow", "8:20:6", "--fee", "0.0005")
    found = json.loads(typed("sweep", *words, "--json", "--csv", str(tmp_path / "pairs.csv")))["pairs"]
    assert len(found) == 8  # of 9, one has the fast window above the slow one
    assert [pair["total_return"] for pair in found] == sorted((p["total_return"] for p in found), reverse=True)
    columns = read_columns(folder / "binance_BTCUSDT_5m.csv.gz")
    for pair in found[:2]:
        strategy = build_strategy("sma_cross", {"fast": pair["fast"], "slow": pair["slow"]})
        run = run_signal(strategy, columns, costs=Costs(fee=0.0005)).performance
        assert (pair["total_return"], pair["trades"]) == (run.curve.total_return, len(run.trades))
        assert pair["max_drawdown"] == run.curve.drawdowns.max()
    assert len(list(csv.DictReader((tmp_path / "pairs.csv").open()))) == 8
    said = typed("sweep", *words, "--top", "3")
    assert "8 pairs on BTC/USDT 5m" in said
    assert "partly luck" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fast", "50", "--slow", "20"), "0 pairs have a fast window below"),
        (("--fast", "x"), "windows are written FIRST:LAST:STEP"),
        (("--fast", "0:5:1"), "windows are written FIRST:LAST:STEP"),
        (("--slow", "6000"), "slow was 6000; it must lie between"),
        (("--fee", "0.5"), r"fee was 0\.5; it must lie between 0 and 0\.1\."),
    ],
)
def test_a_sweep_that_can_not_be_run_is_refused_by_name(typed, words, told):
    with pytest.raises(CommandError, match=told):
        typed("sweep", *words)


def test_a_sweep_goes_over_one_series(typed):
    with pytest.raises(CommandError, match="one series, 2 were named"):
        typed("sweep", files=("BTCUSDT", "ETHUSDT"))


@pytest.mark.parametrize(
    "words",
    [
        ("backtest", "--strategy", "sma_cross", "--trades"),
        ("backtest", "--strategy", "momentum", "--equity"),
        ("backtest", "--strategy", "momentum", "--orders"),
        ("sweep", "--csv"),
    ],
)
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere/e.csv", "but there is no folder {folder}/nowhere. Make it first"),
        ("taken", "which is a folder. Name a file in it, such as {folder}/taken/run.csv."),
        ("file/e.csv", "which can't be written (Not a directory). Name a file in a folder where you may write."),
    ],
    ids=["no folder", "a folder", "below a file"],
)
def test_a_file_that_can_not_be_written_is_refused_before_the_run(tmp_path, capsys, words, place, told):
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(CommandError) as refused:  # the candles, which are not there either, were not looked for yet
        call_command(*words, str(tmp_path / place), "--data", str(tmp_path / "none.csv.gz"))
    assert str(refused.value).startswith(f"{words[-1]} was {tmp_path / place}, ")
    assert told.format(folder=tmp_path) in str(refused.value)
    assert not capsys.readouterr().out


def test_a_model_that_can_not_be_kept_is_not_trained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"--out was .*file/model\.safetensors, which can't be written"):
        call_command("train", "--data", str(tmp_path / "none.csv.gz"), "--out", str(tmp_path / "file" / "model"))


def test_what_a_file_holds_stays_where_the_run_is_refused_and_a_new_one_is_not_left_behind(typed, tmp_path):
    (tmp_path / "old.csv").write_text("kept")
    files = ("--trades", str(tmp_path / "old.csv"), "--equity", str(tmp_path / "new.csv"))
    with pytest.raises(CommandError, match="There is no strategy"):
        typed("backtest", "--strategy", "astrology", *files)
    assert (tmp_path / "old.csv").read_text() == "kept"
    assert not (tmp_path / "new.csv").exists()
