"""Run a backtest over given series and tell what came out. Nothing is stored, nothing is read but the arguments.

The house is loaded by its own run alone: loading it takes longer than a signal's run over half a million candles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from apps.agents.domain.backtest.cost_bounds import check_costs
from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.signal_backtest import Costs, run_signal
from apps.agents.domain.backtest.strategy_views import Progress, answers_at_once, unheard
from apps.agents.domain.performance.performance_report import Performance, performance_report
from apps.agents.domain.strategies.contract import ForwardPass, JudgesByModel, Strategy
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy
from apps.foundation.errors import Refused
from apps.foundation.identifiers import derived_id
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LimitValues
from apps.trading.domain.venues.paper_terms import PaperTerms, terms_of

if TYPE_CHECKING:
    from apps.trading.domain.simulation.simulated_order import SimulatedOrder

BACKTEST_MODES = ("auto", "signal", "firm")


@dataclass(frozen=True, slots=True)
class WantedStrategy:
    """A strategy by name with the parameters given; ``timeframe`` None: that of the series."""

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    timeframe: str | None = None


@dataclass(frozen=True, slots=True)
class BacktestWish:
    """``fee`` a share of each side, None: the venue's terms. ``seed`` names the run's portfolio, from which the
    identifiers of its orders derive. ``mode``: ``signal`` is one strategy alone, all in or out; ``firm`` the whole
    house; ``auto`` the first where one strategy that offers stances is tested on one instrument.
    """

    strategies: Sequence[WantedStrategy]
    mode: str = "auto"
    capital: Decimal = Decimal(1000)
    fee: Decimal | None = None
    slippage_bps: Decimal | None = None
    seed: int = 0
    limits: LimitValues = DEFAULT_LIMITS
    policy: Policy = field(default_factory=Policy)
    resumes_daily: bool = False
    first_ms: int = 0


@dataclass(frozen=True)
class BacktestResult:
    """``stated``: what was run, on which terms. ``orders`` only of a firm's run; ``outcomes``: rounds by outcome.

    ``report`` has ``stopped`` where a limit ended trading before the run ended.
    """

    mode: str
    stated: dict[str, Any]
    performance: Performance
    report: dict[str, Any]
    digest: str
    orders: "Sequence[SimulatedOrder]" = ()
    outcomes: dict[str, int] = field(default_factory=dict)
    restrictions: tuple[str, ...] = ()


def run_backtest(
    *,
    wish: BacktestWish,
    series: Sequence[CandleColumns],
    rules: Mapping[str, InstrumentRules],
    model: Callable[[], ForwardPass],
    progress: Progress = unheard,
) -> BacktestResult:
    """The result. ``model`` loads what judges for strategies that need a network; without one it is not called.

    Raises ``Refused`` naming the field for a strategy, parameter or setting that can't be run, and what ``model``
    raises.
    """
    check_costs(fee=wish.fee, slippage_bps=wish.slippage_bps)
    mode = backtest_mode(wish, [columns.timeframe for columns in series])
    strategies = [_built(place, wanted) for place, wanted in enumerate(wish.strategies)]
    judge = model() if any(isinstance(each, JudgesByModel) for each in strategies) else None
    strategies = [_with_model(each, judge) for each in strategies]
    try:
        if mode == "signal":
            result = _signal(wish, strategies[0], series[0], progress)
        else:
            result = _firm(wish, strategies, series, rules, progress)
    except ValueError as error:  # of a series or setting that makes no run, or a strategy that failed
        raise Refused(str(error), code="no_run") from error
    if judge is not None:
        result.stated["model"] = _model_stated(judge, wish, series)
    return result


def _with_model(strategy: Strategy, model: ForwardPass | None) -> Strategy:
    return strategy.with_model(model) if model is not None and isinstance(strategy, JudgesByModel) else strategy


def _model_stated(model: ForwardPass, wish: BacktestWish, series: Sequence[CandleColumns]) -> dict[str, Any]:
    """Which model judged, and whether it was trained on some of these bars: then the figures flatter it."""
    facts = model.facts
    first = max(wish.first_ms, min(int(columns.times[0]) for columns in series))
    last = max(int(columns.closes_at[-1]) for columns in series)
    return {
        "digest": model.digest,
        "timeframe": facts.timeframe,
        "unseen_from": utc_text(timeframes.from_milliseconds(facts.test_from)),
        "saw_these_bars": first < facts.test_from and last > facts.trained_from,
    }


def backtest_mode(wish: BacktestWish, series: Sequence[str]) -> str:
    """``signal`` or ``firm``, as wished or as fits. ``series``: the timeframe of each one.

    Raises ``Refused`` naming the field for what that mode can't run.
    """
    if wish.mode not in BACKTEST_MODES:
        raise Refused(
            f"mode was {wish.mode!r}; it must be one of {', '.join(BACKTEST_MODES)}.", code="invalid", field="mode"
        )
    strategies = [_built(place, wanted) for place, wanted in enumerate(wish.strategies)]
    if not strategies or not series:
        raise Refused("Name at least one strategy and one series of candles.", code="required", field="strategies")
    alone = len(strategies) == 1 and len(series) == 1 and wish.strategies[0].timeframe in {None, series[0]}
    if wish.mode == "signal" and not alone:
        raise Refused(
            "mode signal tests one strategy on one series at its own timeframe; take mode firm for more.",
            code="invalid",
            field="mode",
        )
    mode = wish.mode
    if mode == "auto":
        mode = "signal" if alone and answers_at_once(strategies[0]) else "firm"
    for name, given in (("limits", wish.limits != DEFAULT_LIMITS), ("resumes_daily", wish.resumes_daily)):
        if mode == "signal" and given:
            told = f"{name} belong to the firm's run: a signal alone is traded without a gate. Take mode firm."
            raise Refused(told, code="not_applicable", field=name)
    return mode


def _built(place: int, wanted: WantedStrategy) -> Strategy:
    try:
        return build_strategy(wanted.name, wanted.parameters)
    except UnknownStrategyError as error:
        raise Refused(str(error), code="unknown_strategy", field=f"strategies.{place}.name") from error
    except ParameterError as error:
        field = f"strategies.{place}.parameters.{error.field}"
        raise Refused(error.message, code="invalid_parameter", field=field) from error


def _signal(wish: BacktestWish, strategy: Strategy, columns: CandleColumns, progress: Progress) -> BacktestResult:
    fee = wish.fee if wish.fee is not None else terms_of(columns.symbol).side_fee_bps / 10_000
    costs = Costs(float(fee), float(wish.slippage_bps or 0) / 10_000.0)
    run = run_signal(
        strategy, columns, costs=costs, capital=float(wish.capital), first_ms=wish.first_ms, progress=progress
    )
    stated = _stated(wish, [columns], {"fee": plain(fee), "slippage_bps": plain(wish.slippage_bps or Decimal(0))})
    stated["open_units"] = run.open_units
    return BacktestResult("signal", stated, run.performance, performance_report(run.performance), run.digest)


def _firm(
    wish: BacktestWish,
    strategies: Sequence[Strategy],
    series: Sequence[CandleColumns],
    rules: Mapping[str, InstrumentRules],
    progress: Progress,
) -> BacktestResult:
    from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
    from apps.agents.domain.backtest.firm_rounds import BacktestAgent

    symbols = tuple(sorted({columns.symbol for columns in series}))
    terms = {symbol: _terms(wish, symbol) for symbol in symbols}
    agents = [
        BacktestAgent(
            id=derived_id("backtest agent", wish.seed, number, wanted.name),
            name=f"{wanted.name}-{number + 1}",
            strategy=strategy,
            timeframe=wanted.timeframe or series[0].timeframe,
            symbols=symbols,
        )
        for number, (wanted, strategy) in enumerate(zip(wish.strategies, strategies, strict=True))
    ]
    setting = FirmSetting(
        agents=agents,
        rules=rules,
        capital=wish.capital,
        policy=wish.policy,
        limits=wish.limits,
        terms=terms,
        resumes_daily=wish.resumes_daily,
        first_ms=wish.first_ms,
        portfolio_id=derived_id("backtest", wish.seed),
    )
    run = run_firm(series, setting, progress=progress)
    stopped = {} if run.stopped is None else {"stopped": run.stopped.as_json()}
    stated = _stated(wish, series, {symbol: found.stated() for symbol, found in terms.items()})
    stated["assumed_rules"] = {symbol: list(rules[symbol].assumed) for symbol in symbols if rules[symbol].assumed}
    return BacktestResult(
        mode="firm",
        stated=stated,
        performance=run.performance,
        report=performance_report(run.performance) | stopped,
        digest=run.digest,
        orders=run.orders,
        outcomes={f"{outcome} {code}": count for (outcome, code), count in sorted(run.outcomes.items())},
        restrictions=run.restrictions,
    )


def _terms(wish: BacktestWish, symbol: str) -> PaperTerms:
    terms = terms_of(symbol)
    if wish.fee is not None:
        terms = replace(terms, taker_fee_bps=wish.fee * 10_000, maker_fee_bps=wish.fee * 10_000)
    return terms if wish.slippage_bps is None else replace(terms, slippage_bps=wish.slippage_bps)


def _stated(wish: BacktestWish, series: Sequence[CandleColumns], terms: dict[str, Any]) -> dict[str, Any]:
    return {
        "strategies": [asdict(wanted) for wanted in wish.strategies],
        "series": [
            {"instrument": c.symbol, "source": c.source, "timeframe": c.timeframe, "candles": len(c)} for c in series
        ],
        "capital": plain(wish.capital),
        "seed": wish.seed,
        "terms": terms,
        "resumes_daily": wish.resumes_daily,
    }
