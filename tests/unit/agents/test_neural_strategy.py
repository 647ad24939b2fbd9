"""What the neural strategy makes of a model's answer, and what an agent writes instead of a vote."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.backtest.strategy_views import stances_over, view_at
from apps.agents.domain.neural.feature_message import BYTES, LETTERS, packed
from apps.agents.domain.neural.feature_reading import checked_window, read_windows
from apps.agents.domain.neural.features import FEATURES, NEEDS_BARS, WINDOW
from apps.agents.domain.strategies.contract import JudgesByModel, VotesOverBars
from apps.agents.domain.strategies.neural import NO_MODEL
from apps.agents.domain.strategies.registry import build_strategy, judges_by_model
from apps.agents.domain.vote_checks import RefusedVoteError
from tests.support.neural import FixedAnswer, FixedAnswers, columns, walk
from tests.unit.agents.test_strategies import view
from workers.agent_process.answer_round import answer_round


def test_it_leans_as_far_as_the_probabilities_do():
    strategy, model = build_strategy("neural", {}), FixedAnswer(0.2, 0.3, 0.5)
    vote, down = strategy.votes_on(np.array([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]), model, timeframe="5m")
    assert (vote.direction, vote.confidence, vote.abstain, vote.horizon_bars) == (1.0, pytest.approx(0.3), False, 12)
    assert vote.reason == "More probable up: up 50%, down 20% within 12 bars beyond costs (model abababab)."
    assert (down.direction, down.confidence) == (-1.0, pytest.approx(0.3))


def test_it_abstains_without_a_clear_side_on_other_bars_and_without_a_model():
    strategy, model = build_strategy("neural", {"smallest_lean": 0.1}), FixedAnswer(0.3, 0.35, 0.35)
    (unclear,) = strategy.votes_on(np.array([[0.3, 0.35, 0.35]]), model, timeframe="5m")
    assert unclear.abstain
    assert unclear.reason.startswith("No clear side: up 35%, down 30%")
    other, _ = strategy.votes_on(np.array([[0.0, 0.0, 1.0]] * 2), model, timeframe="1m")
    assert other.abstain
    assert other.reason == "The model abababab was trained on 5m bars, this agent votes on 1m."
    assert strategy.vote(view(walk(100, 1))).reason == NO_MODEL


def test_only_a_strategy_with_a_model_needs_a_judge():
    assert judges_by_model("neural")
    assert isinstance(build_strategy("neural", {}), JudgesByModel)
    assert not isinstance(build_strategy("momentum", {}), JudgesByModel)
    assert not judges_by_model("momentum")
    assert not judges_by_model("astrology")


def test_with_its_model_it_votes_by_itself_and_at_once_the_same():
    strategy = build_strategy("neural", {}).with_model(FixedAnswer(0.1, 0.2, 0.7))
    series = columns(walk(130, 2))
    found = stances_over(strategy, series, fee_bps=10.0)
    assert found.tolist() == [0] * (NEEDS_BARS - 1) + [1] * (130 - NEEDS_BARS + 1)
    assert strategy.vote(view_at(series, 120, NEEDS_BARS, fee_bps=10.0)).direction == 1.0


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 400)), min_size=1, max_size=9),
    smallest=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
)
def test_many_answers_are_read_as_each_alone_and_as_a_backtest_reads_them(parts, smallest):
    answers = np.array(parts) / np.sum(parts, axis=1)[:, None]
    strategy, model = build_strategy("neural", {"smallest_lean": smallest}), FixedAnswer(0.1, 0.2, 0.7)
    together = strategy.votes_on(answers, model, timeframe="5m")
    assert together == [strategy.votes_on(answer[None], model, timeframe="5m")[0] for answer in answers]
    for (down, _, up), vote in zip(answers.tolist(), together, strict=True):
        assert vote.abstain == (abs(up - down) < smallest)
        assert (vote.direction, vote.confidence) == (
            (0.0, 0.0) if vote.abstain else (np.sign(up - down), abs(up - down))
        )
        assert vote.horizon_bars == model.facts.horizon_bars
    series = columns(walk(NEEDS_BARS - 1 + len(parts), 1))
    bound = strategy.with_model(FixedAnswers(answers))
    over_bars = bound.votes_over_bars(view_at(series, len(series) - 1, len(series), fee_bps=10.0), sources=1)
    for place, vote in enumerate(together):
        assert over_bars.at(NEEDS_BARS - 1 + place) == vote._replace(reason="")


class Moody:
    """A model whose answer is a plain function of each window alone."""

    def __init__(self):
        self.facts, self.digest = FixedAnswer(0.1, 0.2, 0.7).facts, "cd" * 32

    def __call__(self, windows):
        up = 1.0 / (1.0 + np.exp(-3.0 * windows[:, -1, 0].astype(np.float64)))
        return np.stack([(1.0 - up) * 0.8, np.full(len(up), 0.2), up * 0.8], axis=1)


@pytest.mark.parametrize("numbers", [{}, {"smallest_lean": 0.3}, {"smallest_lean": 0.0}])
def test_its_votes_over_all_bars_are_those_bar_by_bar(numbers):
    strategy, series = build_strategy("neural", numbers).with_model(Moody()), columns(walk(220, 5))
    whole = view_at(series, 219, 220, fee_bps=10.0)
    found = strategy.votes_over_bars(whole, sources=1)
    assert isinstance(strategy, VotesOverBars)
    assert found.abstain[: NEEDS_BARS - 1].all()
    for place in range(NEEDS_BARS - 1, 220):
        told, vote = found.at(place), strategy.vote(view_at(series, place, NEEDS_BARS, fee_bps=10.0))
        assert (told.direction, told.confidence, told.abstain) == (vote.direction, vote.confidence, vote.abstain)
    assert len(set(found.direction.tolist())) > 1
    stances = [0 if told.abstain else told.direction for told in map(found.at, range(220))]
    assert stances_over(strategy, series, fee_bps=10.0).tolist() == stances


def test_over_all_bars_it_abstains_without_a_model_on_other_bars_and_while_it_warms():
    series = columns(walk(130, 2))
    other = build_strategy("neural", {}).with_model(Moody())
    views = [
        (build_strategy("neural", {}), view_at(series, 129, 130, fee_bps=10.0)),
        (other, replace(view_at(series, 129, 130, fee_bps=10.0), timeframe="1m")),
        (other, view_at(series, NEEDS_BARS - 2, NEEDS_BARS - 1, fee_bps=10.0)),
    ]
    for strategy, shown in views:
        found = strategy.votes_over_bars(shown, sources=1)
        assert found.abstain.all()
        assert len(found.direction) == shown.bars


def question(bars):
    closes = walk(bars, 3).tolist()
    return {
        "round_id": "r",
        "correlation_id": "c",
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "closed_at": "2026-01-05T08:00:00+00:00",
        "fee_bps": 10.0,
        "bars": {
            "open_at_ms": [1_767_571_200_000 + 300_000 * number for number in range(bars)],
            **dict.fromkeys(("open", "high", "low", "close"), closes),
            "volume": [1.0] * bars,
        },
        "venues": [],
    }


def test_an_agent_writes_features_and_no_opinion_of_its_own():
    strategy = build_strategy("neural", {})
    answer = answer_round(strategy, question(NEEDS_BARS), "source")
    assert set(answer) == {"round_id", "symbol", "data_as_of", "digest", "correlation_id", "features"}
    assert read_windows(checked_window(answer["features"])).shape == (1, WINDOW, len(FEATURES))
    warming = answer_round(strategy, question(NEEDS_BARS - 1), "source")
    assert warming["abstain"]
    assert warming["reason"] == "Warming: 95 of 96 bars."


def test_windows_travel_bit_for_bit_one_behind_another():
    windows = np.random.default_rng(4).normal(size=(5, WINDOW, len(FEATURES))).astype(np.float32)
    contents = [checked_window(packed(window)) for window in windows]
    read = read_windows(b"".join(contents))
    assert (read.dtype, read.flags.writeable) == (np.float32, True)
    assert np.array_equal(read, windows)
    assert {len(content) for content in contents} == {BYTES}


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (7, "must be a text"),
        ("x" * 4 * BYTES, "must be a text"),
        ("no base64!", "were no base64"),
        (base64.b64encode(b"\0" * (BYTES - 4)).decode(), f"held {BYTES - 4} bytes"),
        (base64.b64encode(np.full(BYTES // 4, np.nan, "<f4").tobytes()).decode(), "not finite"),
        (None, "must be a text"),
    ],
    ids=["number", "long", "not base64", "short", "not a number", "missing"],
)
def test_features_that_cannot_be_are_refused(text, detail):
    with pytest.raises(RefusedVoteError, match=detail) as refused:
        checked_window(text)
    assert refused.value.code == "bad_features"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_text_is_taken_only_where_it_may_stand_between_others(data):
    """A foreign text that were longer or shorter than a window would shift all that follow it."""
    good = packed(np.random.default_rng(5).normal(size=(WINDOW, len(FEATURES))))
    at, length = data.draw(st.integers(0, LETTERS)), data.draw(st.integers(0, 5))
    put = data.draw(st.text("AB+/=-_ \n\u00e9", max_size=5))
    text = good[:at] + put + good[at + length :]
    try:
        taken = checked_window(text)
    except RefusedVoteError as refusal:
        assert refusal.code == "bad_features"  # noqa: PT017 - most examples are refused
    else:
        assert taken == base64.b64decode(text, validate=True)
        both = read_windows(taken + checked_window(good))
        assert np.array_equal(both[0].ravel(), np.frombuffer(taken, "<f4"))
        assert np.array_equal(both[1], read_windows(checked_window(good))[0])


@pytest.mark.parametrize("length", [BYTES + 12, BYTES - 4, BYTES + 1])
def test_what_is_no_number_of_windows_is_not_read(length):
    with pytest.raises(ValueError, match=r"multiple of element size|cannot reshape"):
        read_windows(b"A" * length)
