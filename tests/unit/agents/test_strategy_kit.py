"""The kit that a strategy's own tests use, and the package that ``new_strategy`` writes."""

import sys
from importlib import import_module

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.agents.domain.strategies.breakout import Breakout
from apps.agents.domain.strategies.contract import Parameter, StrategyVote, abstention
from apps.agents.domain.strategy_kit import SHAPES, assert_sound, generated_candles, market_of, problems_of


class Follows:
    """Long after a rise, short after a fall: sound."""

    name = "follows"
    description = "As it went with the last bar."
    default_timeframe = "5m"
    parameters = (Parameter("horizon", 3, 1, 10, "Bars.", whole=True, searched=(2, 5)),)

    def __init__(self, numbers):
        self._horizon = int(numbers["horizon"])

    @property
    def needs_bars(self):
        return 2

    def vote(self, view):
        side = float(np.sign(view.close[-1] - view.close[-2]))
        return StrategyVote(side, 0.5, False, self._horizon, "It goes on.")


class Peeks(Follows):
    """Reaches behind the array it was given, where the next bars lie."""

    def vote(self, view):
        whole = view.close.base if view.close.base is not None else view.close
        place = int(np.flatnonzero(whole == view.close[-1])[0])
        later = whole[min(place + 1, len(whole) - 1)]
        return StrategyVote(float(np.sign(later - view.close[-1])), 0.5, False, 1, "It knows.")


class Remembers(Follows):
    def __init__(self, numbers):
        super().__init__(numbers)
        self._votes = 0

    def vote(self, view):
        self._votes += 1
        return StrategyVote(1.0 if self._votes % 2 else -1.0, 0.5, False, 1, "Every other one.")


class NeedsMore(Follows):
    def vote(self, view):
        return StrategyVote(
            float(np.sign(view.close.mean() - view.close[-1])), 0.5, False, 1, "The mean of all it has."
        )


class NotANumber(Follows):
    def vote(self, view):
        return StrategyVote(float("nan"), 2.0, False, 0, "")


class DividesByTheRange(Follows):
    """By zero, in a market that stands still; numpy warns, and what comes out is no number."""

    def vote(self, view):
        place = (view.close[-1] - view.low[-2:].min()) / (view.high[-2:].max() - view.low[-2:].min())
        if not 0 <= place <= 1:
            return abstention("No place in the range.")
        return StrategyVote(1.0 if place > 0.5 else -1.0, 0.5, False, 1, "The place in the range.")


class DividesAsPython(Follows):
    def vote(self, view):
        return StrategyVote(0.0, 0.5, False, 1, f"{1.0 / float(np.ptp(view.close)):.2f}")


class TellsNan(Follows):
    def vote(self, view):
        with np.errstate(invalid="ignore"):
            share = (view.close[-1] - view.close[-2]) / abs(view.close[-1] - view.close[-2])
        return StrategyVote(1.0, 0.5, False, 1, "Up.") if share > 0 else abstention(f"The step is {share:.2f}.")


class Contradicts(Follows):
    parameters = (
        Parameter("horizon", 30, 0, 10, "Bars.", whole=True, searched=(2, 50)),
        Parameter("share", 0.5, 0.0, 1.0, "Divides by it."),
    )

    def __init__(self, numbers):
        super().__init__(numbers)
        self._part = 1.0 / numbers["share"]


def test_a_sound_strategy_is_taken():
    assert_sound(Follows)
    assert_sound(Breakout, entry=10)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Peeks, "once its future is"),
        (Remembers, "of a strategy that was built anew"),
        (
            NeedsMore,
            "bars instead of 2, which is what needs_bars says. Read only the last 2 bars of the view, or let needs_",
        ),
        (NotANumber, "direction was nan; it must lie between -1 and 1."),
    ],
)
def test_what_the_firm_would_not_take_is_told_in_a_sentence(kind, words):
    with pytest.raises(AssertionError) as told:
        assert_sound(kind)
    assert any(words in problem for problem in [str(told.value), *problems_of(kind)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: generated_candles("x"), ['The shape was "x"; choose one of "a walk", "a rise"', "candles_of([...])"]),
        (lambda: generated_candles(timeframe="7m"), ["'7m' is no timeframe; known are 1m, 3m, 5m"]),
        (lambda: generated_candles(bars=0), ["bars was 0; ask for at least one"]),
        (lambda: market_of([]), ["market_of got no closes; give one or more"]),
    ],
)
def test_a_market_that_can_not_be_made_is_refused_in_a_sentence_with_what_is_known(make, words):
    with pytest.raises(ValueError) as refused:
        make()
    assert all(each in str(refused.value) for each in words)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            DividesByTheRange,
            ("gave the warning 'invalid value encountered", "test_strategy_kit.py. Abstain before"),
        ),
        (TellsNan, ("reason was 'The step is nan.'; it tells a number that is none.",)),
    ],
)
def test_a_division_by_zero_in_a_still_market_is_no_pass(recwarn, kind, words):
    with pytest.raises(AssertionError, match=r"^In a market that stands still: ") as told:
        assert_sound(kind)
    assert all(each in str(told.value) for each in words)
    assert not recwarn.list


def test_what_a_vote_raises_says_in_which_market():
    with pytest.raises(ZeroDivisionError) as raised:
        assert_sound(DividesAsPython)
    (note,) = raised.value.__notes__
    assert note.startswith("It was asked in a market that stands still, at 2026-01-")


def test_every_problem_of_a_declaration_is_told():
    problems = problems_of(Contradicts, {"horizon": 5})
    assert [next(problems), next(problems)] == [
        "horizon: its default 30 lies outside 0 to 10.",
        "horizon: it is searched from 2 to 50, outside its bounds.",
    ]
    with pytest.raises(ZeroDivisionError) as raised:
        next(problems)
    assert raised.value.__notes__ == ["It was built with share = 0, which its declaration allows."]


def test_markets_are_the_same_for_the_same_seed_and_whole():
    for shape in SHAPES:
        one, other = generated_candles(shape, seed=3), generated_candles(shape, seed=3)
        assert np.array_equal(one.close, other.close)
        assert (one.low <= np.minimum(one.open, one.close)).all()
        assert (one.high >= np.maximum(one.open, one.close)).all()
    assert market_of([1.0, 2.0, 3.0]).open.tolist() == [1.0, 1.0, 2.0]


@pytest.fixture
def written(tmp_path, capsys, monkeypatch):
    call_command("new_strategy", "four_down", into=tmp_path)
    folder = tmp_path / "four-down"
    assert str(folder) in capsys.readouterr().out
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(folder / "tests"))
    yield folder
    for name in ("four_down", "four_down.strategy", "test_strategy"):
        sys.modules.pop(name, None)


def test_a_new_strategys_package_passes_its_own_tests(written):
    tests = import_module("test_strategy")
    found = [getattr(tests, name) for name in dir(tests) if name.startswith("test_")]
    assert len(found) == 4
    for test in found:
        test()
    project = (written / "pyproject.toml").read_text()
    assert 'four_down = "four_down.strategy:FourDown"' in project
    assert "$" not in project + (written / "README.md").read_text()
    assert "FROM ${AGENT_IMAGE}" in (written / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Three Down", "it must be lower case letters"),
        ("3down", "it must be lower case letters"),
        ("momentum", "The name momentum is taken"),
        ("class", "class is a word of Python itself"),
        ("four_down", "is there already"),
    ],
)
def test_a_name_that_can_not_be_is_refused_and_nothing_overwritten(written, tmp_path, name, words):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError, match=words):
        call_command("new_strategy", name, into=tmp_path)
    assert [path for path in sorted(tmp_path.rglob("*")) if "__pycache__" not in str(path)] == [
        path for path in before if "__pycache__" not in str(path)
    ]


def test_a_folder_that_is_missing_is_named_with_the_command_that_makes_it(tmp_path):
    missing = tmp_path / "my ideas" / "2026"
    with pytest.raises(CommandError) as refused:
        call_command("new_strategy", "five_down", into=missing)
    told = f"the folder {missing} does not exist. Make it and try again: mkdir -p '{missing}'"
    assert str(refused.value).endswith(told)
    assert list(tmp_path.iterdir()) == []
    taken = tmp_path / "notes.txt"
    taken.touch()
    with pytest.raises(CommandError, match="which is a file, not a folder"):
        call_command("new_strategy", "five_down", into=taken)
