"""Search a strategy's parameters by walk-forward. Nothing is stored, nothing is read but the arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from apps.agents.domain.backtest.cost_bounds import check_costs
from apps.agents.domain.backtest.run_backtest import (
    BacktestResult,
    BacktestWish,
    WantedStrategy,
    backtest_mode,
    run_backtest,
)
from apps.agents.domain.backtest.signal_backtest import days_per_year
from apps.agents.domain.backtest.strategy_views import Progress, unheard
from apps.agents.domain.performance.equity_curve import DAY_MS
from apps.agents.domain.search.parameter_space import Dimension, parameter_space
from apps.agents.domain.search.search_report import TestedFold, search_report
from apps.agents.domain.search.trials import (
    OBJECTIVES,
    Trial,
    best_trial,
    daily_returns,
    figures_of,
    objective_of,
)
from apps.agents.domain.search.walk_forward import Fold, walk_forward
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy, strategy_class
from apps.agents.operations.load_model import shipped_model
from apps.agents.ports import ParameterSampler
from apps.foundation.errors import Refused
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules

MOST_FOLDS, MOST_TRIALS = 20, 1_000
MOST_GAP_BARS = 100_000
OF_DAYS = frozenset({"sharpe", "sortino"})
FEWEST_DAYS = 3  # of training, so that two whole ones lie within


@dataclass(frozen=True, slots=True)
class SearchWish:
    """``backtest``: costs, capital, mode and seed of every run; its strategies are not looked at. ``space``: spans that
    differ from the declared ones; ``fixed``: parameters that are not searched. ``gap_bars``: left out before each test.
    """

    strategy: str
    backtest: BacktestWish
    timeframe: str | None = None
    space: Mapping[str, Sequence[float]] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)
    folds: int = 4
    trials: int = 40
    objective: str = "sharpe"
    train_tests: float = 3.0
    gap_bars: int = 50
    anchored: bool = False


@dataclass(frozen=True)
class SearchedCandles:
    """What every trial runs on."""

    series: Sequence[CandleColumns]
    rules: Mapping[str, InstrumentRules]


def searched_space(wish: SearchWish) -> tuple[Dimension, ...]:
    """What is searched. Raises ``Refused`` naming the field of a wish that can't be."""
    check_costs(fee=wish.backtest.fee, slippage_bps=wish.backtest.slippage_bps)
    for name, value, most in (("folds", wish.folds, MOST_FOLDS), ("trials", wish.trials, MOST_TRIALS)):
        if not 1 <= value <= most:
            raise Refused(f"{name} was {value}; it must lie between 1 and {most:,}.", code="invalid", field=name)
    if wish.objective not in OBJECTIVES:
        told = f"objective was {wish.objective!r}; it must be one of {', '.join(OBJECTIVES)}."
        raise Refused(told, code="invalid", field="objective")
    if not 0 <= wish.gap_bars <= MOST_GAP_BARS:
        told = f"gap_bars was {wish.gap_bars}; it must lie between 0 and {MOST_GAP_BARS:,}."
        raise Refused(told, code="invalid", field="gap_bars")
    if not 0.5 <= wish.train_tests <= 50.0:  # noqa: PLR2004 - half a test to fifty of them
        told = f"train_tests was {wish.train_tests:g}; training is 0.5 to 50 times as long as a test."
        raise Refused(told, code="invalid", field="train_tests")
    try:
        return parameter_space(strategy_class(wish.strategy).parameters, given=wish.space, fixed=wish.fixed)
    except UnknownStrategyError as error:
        raise Refused(str(error), code="unknown_strategy", field="strategy") from None
    except ParameterError as error:
        part = "fixed" if error.field in wish.fixed else "space"
        field_name = f"{part}.{error.field}" if error.field else part
        raise Refused(error.message, code="invalid_space", field=field_name) from None


def search_folds(wish: SearchWish, first_ms: int, until_ms: int, bar_ms: int) -> tuple[Fold, ...]:
    """The plan of the walk over candles that open in [``first_ms``, ``until_ms``). Raises ``Refused``."""
    try:
        folds = walk_forward(
            first_ms,
            until_ms,
            bar_ms,
            folds=wish.folds,
            train_tests=wish.train_tests,
            gap_bars=wish.gap_bars,
            anchored=wish.anchored,
        )
    except ValueError as error:
        raise Refused(str(error), code="too_few_candles", field="folds") from None
    trained = (folds[0].train_until - folds[0].train_from) / DAY_MS
    if wish.objective in OF_DAYS and trained < FEWEST_DAYS:
        raise Refused(
            f"A training of {trained:.2f} days can't tell {wish.objective}, which is taken of daily returns: at least "
            f"{FEWEST_DAYS} days are needed. Take more candles, or objective total_return.",
            code="too_few_candles",
            field="objective",
        )
    return folds


def span_of(series: Sequence[CandleColumns], wish: SearchWish) -> tuple[int, int, int]:
    """Where all instruments have candles, from the wished start on: first opening, end, length of a bar."""
    first = max(wish.backtest.first_ms, *(int(columns.times[0]) for columns in series))
    until = min(int(columns.closes_at[-1]) for columns in series)
    return first, until, series[0].length_ms


def search_mode(wish: SearchWish, candles: SearchedCandles) -> str:
    """``signal`` or ``firm``: how each trial is run. Raises ``Refused``."""
    wanted = [WantedStrategy(wish.strategy, wish.fixed, wish.timeframe)]
    return backtest_mode(replace(wish.backtest, strategies=wanted), [columns.timeframe for columns in candles.series])


def plan_of(wish: SearchWish, candles: SearchedCandles) -> tuple[Fold, ...]:
    """The folds of a search over these candles. Raises ``Refused`` naming the field of a wish that can't be."""
    searched_space(wish)
    return search_folds(wish, *span_of(candles.series, wish))


def search_fold(
    *,
    wish: SearchWish,
    fold: Fold,
    candles: SearchedCandles,
    sampler: ParameterSampler,
    trials: list[Trial],
    keep: Callable[[Trial], None] = lambda _trial: None,
    seen: Callable[[float], None] = lambda _share: None,
) -> TestedFold:
    """Try until there are ``wish.trials`` (``trials`` are known already), then test the best where the fold has a test.

    ``keep`` is given each new trial and may raise to stop here; ``seen`` is told the share of the trials that is
    through, within a trial too. Raises ``Refused`` where no setting could be run.
    """
    space = searched_space(wish)
    training, trained = _from(wish, fold.train_from), _cut(candles, fold.train_until)
    while len(trials) < wish.trials:
        proposed = sampler.propose(space, trials, seed=wish.backtest.seed * 1_009 + fold.number)
        trial = _tried(training, len(trials), proposed, trained, _within(wish, len(trials), seen))
        keep(trial)
        trials.append(trial)
        seen(len(trials) / wish.trials)
    best = best_trial(trials)
    if best is None:
        why = next((trial.refused for trial in trials if trial.refused), "no trial could be measured")
        raise Refused(
            f"Of {len(trials)} settings none could be judged: {why}. Take more candles, or objective total_return.",
            code="nothing_found",
        )
    if fold.test_from is None or fold.test_until is None:
        return TestedFold(fold, tuple(trials), best)
    run = _run(_from(wish, fold.test_from), best.parameters, _cut(candles, fold.test_until))
    return TestedFold(
        fold,
        tuple(trials),
        best,
        tested=figures_of(run.report),
        returns=daily_returns(run.performance),
        holding=np.ascontiguousarray(run.performance.holding.daily_returns),
    )


def run_search(
    *,
    wish: SearchWish,
    candles: SearchedCandles,
    sampler: ParameterSampler,
    told: Callable[[int, float], None] = lambda _fold, _share: None,
) -> dict[str, Any]:
    """The whole search in this process, fold after fold; its report. ``told``: a fold's number and how far it is.

    Raises ``Refused`` naming the field.
    """
    folds = plan_of(wish, candles)
    tested = [
        search_fold(wish=wish, fold=fold, candles=candles, sampler=sampler, trials=[], seen=partial(told, fold.number))
        for fold in folds
    ]
    return report_of(wish, candles.series[0].symbol, tested)


def report_of(wish: SearchWish, symbol: str, tested: Sequence[TestedFold]) -> dict[str, Any]:
    """The report of all folds, in their order. ``symbol``: one of the instruments, for its market's days."""
    gap_days = 1 if wish.gap_bars else 0
    return search_report(tested, objective=wish.objective, days=days_per_year(symbol), gap_days=gap_days)


def _cut(candles: SearchedCandles, until_ms: int) -> SearchedCandles:
    return replace(candles, series=[columns.between(0, until_ms) for columns in candles.series])


def _from(wish: SearchWish, first_ms: int) -> SearchWish:
    """The same, traded from there on."""
    return replace(wish, backtest=replace(wish.backtest, first_ms=first_ms))


def _within(wish: SearchWish, known: int, seen: Callable[[float], None]) -> Progress:
    return lambda done, whole: seen((known + done / whole) / wish.trials)


def _tried(
    wish: SearchWish, number: int, proposed: Mapping[str, float], candles: SearchedCandles, progress: Progress
) -> Trial:
    nothing = np.empty(0)
    try:
        build_strategy(wish.strategy, {**wish.fixed, **proposed})
    except ParameterError as error:
        return Trial(number, dict(proposed), None, {}, nothing, refused=error.message)
    run = _run(wish, proposed, candles, progress)
    value = objective_of(run.report, wish.objective)
    refused = "" if value is not None else f"{wish.objective} can't be told of so short a run"
    return Trial(number, dict(proposed), value, figures_of(run.report), daily_returns(run.performance), refused)


def _run(
    wish: SearchWish, proposed: Mapping[str, float], candles: SearchedCandles, progress: Progress = unheard
) -> BacktestResult:
    wanted = WantedStrategy(wish.strategy, {**wish.fixed, **proposed}, wish.timeframe)
    asked = replace(wish.backtest, strategies=[wanted])
    return run_backtest(wish=asked, series=candles.series, rules=candles.rules, model=shipped_model, progress=progress)
