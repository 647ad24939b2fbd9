"""Stored backtests: the same run as the command's, taken once, shown as it goes, survived by nothing it shouldn't."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from apps.agents import operations, queries
from apps.agents.domain.strategies.contract import StrategyVote
from apps.agents.models import BacktestRun
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import Refused
from apps.foundation.models import OutboxEvent
from tests.support.candle_columns import random_columns
from tests.support.staged_market import stage_market, store_columns
from workers.research_try import Pulse, take_up_next

pytestmark = pytest.mark.django_db
BARS = 400


def now(**later):
    wall = wall_now() + timedelta(**later)
    return Moment(wall=wall, firm=wall)


@pytest.fixture
def market(clean_redis):
    stage_market(history=0)
    store_columns(random_columns(BARS, seed=1))
    store_columns(random_columns(BARS, seed=2, symbol="ETH/USDT", start=2_000.0))


def ask(**wish):
    given = {"strategies": [{"name": "breakout", "parameters": {"entry": 10}}], "instruments": ["BTC/USDT"]} | wish
    return UUID(operations.request_backtest(**given, actor="ada", moment=now())["id"])


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (
            {"strategies": [{"name": "sma_cross", "parameters": {"fast": 5, "slow": 15}}]},
            ("--strategy", "sma_cross", "--param", "fast=5", "--param", "slow=15", "--instruments", "BTC/USDT"),
        ),
        (
            {
                "strategies": [
                    {"name": "breakout", "parameters": {"entry": 10}},
                    {"name": "momentum", "timeframe": "5m"},
                ],
                "instruments": ["BTC/USDT", "ETH/USDT"],
                "seed": 7,
                "limits": {"max_order_notional": "200"},
            },
            (
                *("--strategy", "breakout", "--param", "entry=10", "--strategy", "momentum@5m", "--seed", "7"),
                *("--instruments", "BTC/USDT,ETH/USDT", "--limit", "max_order_notional=200"),
            ),
        ),
    ],
    ids=["signal", "firm"],
)
def test_it_is_the_run_that_the_command_makes(market, capsys, wish, words):
    run_id = ask(**wish)
    assert take_up_next()
    capsys.readouterr()
    call_command("backtest", *words, "--luck", "--json")
    told = json.loads(capsys.readouterr().out)
    view = json.loads(json.dumps(queries.backtest_view(run_id)))
    assert (view["state"], view["progress"], view["problem"]) == ("DONE", 1.0, "")
    for name in ("digest", "mode", "metrics", "outcomes", "restrictions"):
        assert view[name] == told[name], name
    assert view["trade_count"] == len(told["trades"]) > 2
    names = {"opened": "opened_at", "closed": "closed_at", "symbol": "instrument"}
    exact = ("quantity", "entry", "exit", "fees", "profit")
    assert [
        {names.get(name, name): value for name, value in row.items()} | {"number": place}
        for place, row in enumerate(told["trades"], start=1)
    ] == [row | {name: float(row[name]) for name in exact} for row in view["trades"]]
    assert float(view["equity"][-1]["equity"]) == pytest.approx(1000 * (1 + told["metrics"]["equity"]["total_return"]))
    assert not take_up_next()


def test_history_before_the_start_warms_a_signal(market):
    wish = {"strategies": [{"name": "sma_cross", "parameters": {"fast": 3, "slow": 60}}]}
    start = queries.backtest_choices()["candles"][0]["first"]
    whole = ask(**wish)
    late = ask(**wish, start=_at(start) + timedelta(minutes=300))
    while take_up_next():
        pass
    views = {run: queries.backtest_view(run) for run in (whole, late)}
    first = views[late]["equity"][0]["at"]
    assert first == "2024-01-01T05:00:00Z"
    held = [trade["opened_at"] for trade in views[late]["trades"]]
    assert views[late]["trade_count"] > 0
    assert min(held) < "2024-01-01T06:00:00Z"  # 60 bars after the start: without history nothing is known before


def test_what_a_worker_holds_no_other_takes_and_its_end_is_told_once(market):
    run_id = ask()
    claim = operations.claim_next_work(moment=now())
    assert claim.id == run_id
    assert operations.claim_next_work(moment=now()) is None
    assert operations.beat_work(claim=claim, progress=0.4, step="Bar 4 of 10.", wall=wall_now())
    line = queries.backtest_line_of(run_id)
    assert (line["state"], line["progress"], line["step"]) == ("RUNNING", 0.4, "Bar 4 of 10.")
    result = operations.compute_work(claim=claim, told=lambda *_: None, sampler=None)
    assert operations.keep_work(claim=claim, result=result, seconds=1.0, moment=now())
    trades = BacktestRun.objects.get(pk=run_id).trades.count()
    assert not operations.keep_work(claim=claim, result=result, seconds=1.0, moment=now())
    assert not operations.fail_work(claim=claim, problem="late", moment=now())
    assert BacktestRun.objects.get(pk=run_id).trades.count() == trades
    assert OutboxEvent.objects.filter(kind="backtest.changed").count() == 3  # asked for, taken, done


def test_a_run_whose_worker_was_lost_is_taken_up_again_and_given_up_in_the_end(market):
    run_id = ask()
    lost = []
    for _ in range(3):
        claim = operations.claim_next_work(moment=now())
        lost.append(claim)
        assert operations.tend_research(moment=now(seconds=5)) == 0  # it lives
        assert operations.tend_research(moment=now(seconds=60)) == 1
        assert not operations.beat_work(claim=claim, progress=0.5, step="", wall=wall_now())
    view = queries.backtest_view(run_id)
    assert (view["state"], view["tries"]) == ("FAILED", 3)
    assert "was lost 3 times" in view["problem"]
    assert len({claim.token for claim in lost}) == 3


def test_a_worker_that_comes_back_late_changes_nothing(market):
    run_id = ask()
    late = operations.claim_next_work(moment=now())
    result = operations.compute_work(claim=late, told=lambda *_: None, sampler=None)
    operations.tend_research(moment=now(seconds=60))
    taken = operations.claim_next_work(moment=now())
    assert taken.id == run_id
    assert not operations.keep_work(claim=late, result=result, seconds=1.0, moment=now())
    assert operations.keep_work(claim=taken, result=result, seconds=1.0, moment=now())


def test_a_canceled_run_is_interrupted_and_stays_canceled(market, monkeypatch):
    run_id = ask()
    monkeypatch.setattr("workers.research_try.BEAT_SECONDS", 0.01)
    claim = operations.claim_next_work(moment=now())
    interrupted = []
    monkeypatch.setattr("workers.research_try._interrupt", lambda: interrupted.append(True))
    monkeypatch.setattr("workers.research_try.connection", _Kept())
    monkeypatch.setattr("workers.research_try.close_old_connections", lambda: None)
    operations.cancel_backtest(run_id=run_id, actor="ada", moment=now())
    pulse = Pulse(claim)
    monkeypatch.setattr("threading.Thread.start", lambda thread: thread.run())  # in this test's transaction
    monkeypatch.setattr("threading.Thread.join", lambda _: None)
    with pulse:
        assert pulse.lost
    assert interrupted == [True]
    assert not operations.fail_work(claim=claim, problem="too late", moment=now())
    view = queries.backtest_view(run_id)
    assert (view["state"], view["problem"]) == ("CANCELED", "Canceled by ada.")


class _Kept:
    def close(self):
        pass


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (
            lambda _view: {}["sky"],
            "It failed with KeyError: 'sky'. breakout was asked about BTC/USDT at 2024-01-01 00:",
        ),
        (
            lambda _view: StrategyVote(float("nan"), 0.5, abstain=False, horizon_bars=1, reason=""),
            "voted a direction of nan",
        ),
        (lambda _view: bytearray(2**62), "It needed more memory than the 2,048 MiB that a run may take."),
    ],
    ids=["raises", "NaN", "memory"],
)
def test_a_bad_strategy_fails_its_run_with_a_sentence_and_the_next_one_runs(market, monkeypatch, does, told):
    bad, good = ask(), ask(strategies=[{"name": "momentum"}])
    with monkeypatch.context() as patched:
        patched.setattr("apps.agents.domain.strategies.breakout.Breakout.vote", lambda _self, view: does(view))
        patched.setattr("apps.agents.domain.strategies.breakout.Breakout.votes_over_bars", lambda *_, sources: None)
        assert take_up_next()
    view = queries.backtest_view(bad)
    assert view["state"] == "FAILED"
    assert told in view["problem"]
    assert take_up_next()
    assert queries.backtest_view(good)["state"] == "DONE"


def test_the_database_refuses_a_state_that_can_not_follow(market):
    run_id = ask()
    rows = BacktestRun.objects.filter(pk=run_id)
    for change in ({"state": "DONE", "digest": "x", "ended_at": wall_now()}, {"state": "RUNNING"}, {"progress": 1.5}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    operations.cancel_backtest(run_id=run_id, actor="ada", moment=now())
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(state="QUEUED", ended_at=None)


@pytest.mark.parametrize(
    ("wish", "field", "told"),
    [
        ({"strategies": []}, "strategies", "1 to 20 strategies"),
        ({"strategies": [{"name": "astrology"}]}, "strategies.0.name", "no strategy 'astrology'"),
        ({"strategies": [{"nam": "breakout"}]}, "strategies.0.nam", "A strategy is written"),
        (
            {"strategies": [{"name": "breakout", "parameters": {"entry": 1}}]},
            "strategies.0.parameters.entry",
            "between 5",
        ),
        ({"strategies": [{"name": "breakout", "timeframe": "7m"}]}, "strategies.0.timeframe", "must be one of"),
        ({"instruments": ["XRP/USDT"]}, "instruments", "XRP/USDT"),
        (
            {"instruments": ["SOL/USDT"]},
            "instruments",
            "No 1m candles of SOL/USDT are stored here. A recorded market stores what it has shown",
        ),
        ({"timeframe": "1d"}, "instruments", "No 1d candles of BTC/USDT are stored here; there are 1m"),
        ({"timeframe": "3m"}, "timeframe", "3m"),
        ({"fee": Decimal(2)}, "fee", "between 0 and 0.1"),
        ({"mode": "signal", "instruments": ["BTC/USDT", "ETH/USDT"]}, "mode", "one strategy on one series"),
        ({"limits": {"sky": 1}}, "limits.sky", "sky"),
        ({"start": "2024-01-02", "end": "2024-01-01"}, "start", "before end"),
        ({"start": "2030-01-01"}, "start", "are stored from 2024-01-01T00:00:00Z to"),
        ({"end": "2020-01-01"}, "end", "let it run on"),
    ],
)
def test_what_can_not_be_run_is_refused_when_it_is_asked_for(market, wish, field, told):
    given = {name: _at(value) if name in {"start", "end"} else value for name, value in wish.items()}
    with pytest.raises(Refused, match=told) as refused:
        ask(**given)
    assert refused.value.field == field
    assert not BacktestRun.objects.exists()


def _at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
