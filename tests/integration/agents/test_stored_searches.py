"""Stored searches: folds side by side, cut off anywhere, and the same report as in one process."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from apps.agents import operations, queries
from apps.agents.models import SearchFold, SearchTrial
from apps.agents.operations.research import carry_out_fold
from apps.agents.wiring import parameter_sampler
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import Conflict, Refused
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes
from tests.support.candle_columns import random_columns
from tests.support.staged_market import stage_market, store_columns
from workers.research_try import take_up_next

pytestmark = pytest.mark.django_db
WISH = {
    "strategy": "sma_cross",
    "instruments": ["BTC/USDT"],
    "space": {"fast": [3, 12], "slow": [10, 40]},
    "fixed": {"horizon": 12},
    "folds": 2,
    "trials": 4,
    "objective": "total_return",
    "gap_bars": 10,
    "seed": 3,
}


class KilledError(BaseException):
    """What nobody catches, as nobody catches a kill."""


def now(**later):
    wall = wall_now() + timedelta(**later)
    return Moment(wall=wall, firm=wall)


@pytest.fixture
def columns(clean_redis):
    stage_market(history=0)
    made = random_columns(500, seed=4)
    store_columns(made)
    return made


def ask(**change):
    return UUID(operations.request_search(**(WISH | change), actor="ada", moment=now())["id"])


def in_one_process(columns):
    wish = operations.SearchWish(
        **{name: value for name, value in WISH.items() if name not in {"instruments", "seed"}},
        backtest=operations.BacktestWish(strategies=[], seed=3),
    )
    candles = operations.SearchedCandles([columns], {})
    return json.loads(json.dumps(operations.run_search(wish=wish, candles=candles, sampler=parameter_sampler())))


def test_it_is_the_search_that_one_process_makes_however_often_it_is_cut_off(columns, monkeypatch):
    search = ask()
    assert queries.search_line_of(search)["state"] == "QUEUED"
    lost = operations.claim_next_work(moment=now())
    told = []

    def dies_at_its_second_trial(_progress, step):
        told.append(step)
        if len(told) == 2 + 1:  # the candles are read first
            raise KilledError

    with pytest.raises(KilledError):
        operations.compute_work(claim=lost, told=dies_at_its_second_trial, sampler=parameter_sampler())
    assert SearchTrial.objects.filter(fold=lost.id).count() == 2
    assert operations.beat_work(claim=lost, progress=0.5, step="", wall=wall_now())
    line = queries.search_line_of(search)
    assert (line["state"], line["progress"]) == ("RUNNING", 2 / 12)
    assert operations.tend_research(moment=now(seconds=60)) == 1
    monkeypatch.setattr(carry_out_fold, "TURN_SECONDS", 0.0)  # a turn is over after each trial
    while take_up_next():
        pass
    view = json.loads(json.dumps(queries.search_view(search)))
    assert (view["state"], view["progress"], view["problem"]) == ("DONE", 1.0, "")
    assert [fold["trials"] for fold in view["folds"]] == [4, 4, 4]
    assert view["report"] == in_one_process(columns)
    assert view["headline"]["out_of_sample_return"] == view["report"]["out_of_sample"]["total_return"]


def test_a_fold_that_fails_ends_its_search_and_the_other_folds(columns, monkeypatch):
    search = ask(strategy="breakout", space={"entry": [10, 30]}, fixed={}, trials=2)
    with monkeypatch.context() as patched:
        patched.setattr("apps.agents.domain.strategies.breakout.Breakout.vote", lambda _self, _view: {}["sky"])
        patched.setattr("apps.agents.domain.strategies.breakout.Breakout.votes_over_bars", lambda *_, sources: None)
        assert take_up_next()
    view = queries.search_view(search)
    assert view["state"] == "FAILED"
    assert "KeyError: 'sky'" in view["problem"]
    assert [fold["state"] for fold in view["folds"]] == ["FAILED", "CANCELED", "CANCELED"]
    assert not take_up_next()


def test_a_canceled_search_stays_canceled_whatever_its_workers_bring(columns):
    search = ask()
    claim = operations.claim_next_work(moment=now())
    result = operations.compute_work(claim=claim, told=lambda *_: None, sampler=parameter_sampler())
    assert operations.cancel_search(search_id=search, actor="ada", moment=now())["state"] == "CANCELED"
    assert not operations.keep_work(claim=claim, result=result, seconds=1.0, moment=now())
    assert not operations.beat_work(claim=claim, progress=0.5, step="", wall=wall_now())
    assert set(SearchFold.objects.values_list("state", flat=True)) == {"CANCELED"}
    assert not take_up_next()
    with pytest.raises(Conflict, match="CANCELED already"):
        operations.cancel_search(search_id=search, actor="ada", moment=now())


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"strategy": "astrology"}, "strategy", "no strategy"),
        ({"space": {"fast": [5, 5]}}, "space.fast", "no room"),
        ({"fixed": {"speed": 1}}, "fixed.speed", "no parameter"),
        ({"folds": 20, "train_tests": 9.0}, "folds", "need 590 bars; there are 500"),
        ({"instruments": ["SOL/USDT"]}, "instruments", "No 1m candles of SOL/USDT"),
        ({"trials": 0}, "trials", "between 1 and"),
    ],
)
def test_a_search_that_can_not_be_is_refused_when_it_is_asked_for(columns, change, field, told):
    with pytest.raises(Refused, match=told) as refused:
        ask(**change)
    assert refused.value.field == field


def test_a_period_that_is_too_short_is_told_what_it_leaves_out(columns):
    times = (columns.times[0], columns.times[250], columns.closes_at[-1])
    first, half, end = (timeframes.from_milliseconds(int(at)) for at in times)
    with pytest.raises(Refused) as refused:
        ask(folds=10, start=half)
    assert refused.value.code == "too_few_candles"
    assert refused.value.message == (
        "10 tests of at least 20 bars with their training need 270 bars; there are 250. Take fewer folds, or more "
        "candles. A recorded market stores what it has shown so far: let it run on, or take what there is. Or choose a "
        f"longer period: 500 candles are stored, from {utc_text(first)} to {utc_text(end)}."
    )
