"""Train a model on candles, walk forward, and say what it is worth on what it has not seen. Nothing is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from apps.agents import ports
from apps.agents.domain.neural.calibration import ForecastFigures, forecast_figures
from apps.agents.domain.neural.features import FEATURE_SET, FEATURES, HISTORY, WINDOW, window_rows
from apps.agents.domain.neural.labels import CLASSES, Probabilities
from apps.agents.domain.neural.model_facts import ModelFacts, model_digest
from apps.agents.domain.neural.promotion_gates import promotion_gates
from apps.agents.domain.neural.samples import SampleTable, sample_table
from apps.agents.domain.neural.walk_forward import Fold, FoldParts, parts_of, walk_forward
from apps.agents.domain.strategies.contract import ForwardPass
from apps.agents.operations.compare_strategies import RULE_STRATEGIES, traded_figures
from apps.foundation.errors import Refused
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.trading.domain.venues.paper_terms import terms_of

FEWEST_CANDLES = HISTORY + WINDOW + 1  # before the horizon
FEWEST_SAMPLES = {"training": 500, "validation": 100, "test": 100}
NEURAL = "neural"
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingWish:
    """``horizon_bars`` ahead a move must beat a round trip of ``cost_bps`` (None: the paper venue's fees, spread and
    slippage); every ``stride``-th bar is a sample.
    """

    horizon_bars: int = 12
    cost_bps: float | None = None
    folds: int = 4
    stride: int = 3
    settings: ports.FitSettings = field(default_factory=ports.FitSettings)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The file's bytes, its digest and facts, and the card: all that was measured, as JSON."""

    content: bytes
    digest: str
    facts: ModelFacts
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One fold: its model, loaded, and how good it was on the fold's test."""

    fold: Fold
    content: bytes
    model: ForwardPass
    epochs: int
    temperature: float
    parts: tuple[int, int, int]
    forecast: ForecastFigures


def train_model(*, wish: TrainingWish, series: Sequence[CandleColumns], told: Told = lambda _: None) -> TrainedModel:
    """The model of the last fold: what is handed out is what was judged, on the newest bars, which it never saw.

    Raises ``Refused`` naming the field for candles that don't suffice, ``NotReady`` without torch.
    """
    cost_bps, timeframe = _checked(wish, series)
    samples = sample_table(series, horizon=wish.horizon_bars, cost_bps=cost_bps, stride=wish.stride)
    if not len(samples):
        longest = max((len(columns) for columns in series), default=0)
        needed = FEWEST_CANDLES + wish.horizon_bars
        why = f"A sample needs {needed} candles in a row without a gap; the longest series has {longest}."
        raise Refused(why, code="too_few_candles", field="data")
    first, until = int(samples.closed_at.min()), int(samples.closed_at.max())
    reach = wish.horizon_bars * series[0].length_ms
    folds = _folds(wish, first=first, until=until + reach)
    judged = []
    for number, fold in enumerate(folds, start=1):
        told(f"Fold {number} of {len(folds)}: tested from {_day(fold.test_from)} to {_day(fold.until)}.")
        parts = parts_of(fold, samples.closed_at, reach_ms=reach)
        _check_parts(parts, number)
        facts = _facts(wish, fold, cost_bps=cost_bps, timeframe=timeframe)
        judged.append(_judge(samples, parts, fold=fold, facts=facts, settings=wish.settings, told=told))
    last = judged[-1]
    told("The last fold's model and the rule strategies trade the last test after costs.")
    test = [_test_bars(columns, last.fold) for columns in series]
    tested = [columns for columns in test if len(columns) > WINDOW * 4]
    traded = traded_figures(strategy=NEURAL, series=tested, model=last.model)
    rules = {name: traded_figures(strategy=name, series=tested) for name in RULE_STRATEGIES}
    gates = promotion_gates(forecast=last.forecast, traded=traded, rules=rules)
    card = {
        "digest": last.model.digest,
        "facts": last.model.facts.plain(),
        "data": [_series_view(columns) for columns in series],
        "wish": {"folds": wish.folds, "stride": wish.stride, "cost_bps": cost_bps, **asdict(wish.settings)},
        "folds": [_fold_view(one) for one in judged],
        "holding": _holding(tested),
        "traded": asdict(traded),
        "rules": {name: asdict(figures) for name, figures in rules.items()},
        "gates": [asdict(gate) for gate in gates],
        "passed": all(gate.passed for gate in gates),
    }
    return TrainedModel(last.content, last.model.digest, last.model.facts, card)


def _checked(wish: TrainingWish, series: Sequence[CandleColumns]) -> tuple[float, str]:
    """The round trip's cost and the one timeframe of all series."""
    if not series:
        raise Refused("Name at least one series of candles.", code="required", field="data")
    found = sorted({columns.timeframe for columns in series})
    if len(found) > 1:
        raise Refused(
            f"A model is trained on one timeframe, the series have {', '.join(found)}.", code="invalid", field="data"
        )
    for name, value, lowest, highest in (
        ("horizon", wish.horizon_bars, 1, 500),
        ("folds", wish.folds, 1, 20),
        ("stride", wish.stride, 1, 100),
        ("epochs", wish.settings.epochs, 1, 500),
        ("hidden", wish.settings.hidden, 1, 512),
    ):
        if not lowest <= value <= highest:
            raise Refused(
                f"{name} was {value}; it must lie between {lowest} and {highest}.", code="invalid", field=name
            )
    if wish.cost_bps is not None:
        return wish.cost_bps, found[0]
    terms = [terms_of(columns.symbol) for columns in series]
    sides = [float(each.side_fee_bps + each.spread_bps / 2 + each.slippage_bps) for each in terms]
    return 2.0 * max(sides), found[0]


def _folds(wish: TrainingWish, *, first: int, until: int) -> Sequence[Fold]:
    try:
        return walk_forward(first=first, until=until, folds=wish.folds)
    except ValueError as error:
        raise Refused(str(error), code="invalid", field="folds") from error


def _check_parts(parts: FoldParts, number: int) -> None:
    for name, fewest in FEWEST_SAMPLES.items():
        there = int(getattr(parts, name).sum())
        if there < fewest:
            raise Refused(
                f"The {name} part of fold {number} has {there} samples; {fewest} are the fewest. Give more candles, "
                "fewer folds or a smaller stride.",
                code="too_few_candles",
                field="data",
            )


def _facts(wish: TrainingWish, fold: Fold, *, cost_bps: float, timeframe: str) -> ModelFacts:
    return ModelFacts(
        feature_set=FEATURE_SET,
        window=WINDOW,
        features=len(FEATURES),
        hidden=wish.settings.hidden,
        timeframe=timeframe,
        horizon_bars=wish.horizon_bars,
        cost_bps=cost_bps,
        seed=wish.settings.seed,
        trained_from=fold.first,
        test_from=fold.test_from,
    )


def _judge(
    samples: SampleTable, parts: FoldParts, *, fold: Fold, facts: ModelFacts, settings: ports.FitSettings, told: Told
) -> _Judged:
    engine = ports.engine()
    training, validation, test = (samples.of(each) for each in (parts.training, parts.validation, parts.test))

    def epoch_told(epoch: int, learned: float, reached: float) -> None:
        told(f"  epoch {epoch}: loss {learned:.4f}, validation {reached:.4f}")

    fitted = engine.fit(_to_fit(training), _to_fit(validation), settings, told=epoch_told)
    content = engine.write(fitted.tensors, facts)
    model = engine.load(engine.read(content, digest=model_digest(content)), device="cpu0")
    shares = np.bincount(training.labels, minlength=len(CLASSES)) / len(training)
    forecast = forecast_figures(_judged(model, test), test.labels, test.moves, base_shares=shares)
    told(f"  test: log loss {forecast.log_loss:.4f} (shares {forecast.base_loss:.4f})")
    sizes = (len(training), len(validation), len(test))
    return _Judged(fold, content, model, fitted.epochs, fitted.temperature, sizes, forecast)


def _judged(model: ForwardPass, samples: SampleTable, at_once: int = 4096) -> Probabilities:
    return np.concatenate(
        [
            model(window_rows(samples.rows, samples.ends[start : start + at_once]))
            for start in range(0, len(samples), at_once)
        ]
    )


def _to_fit(samples: SampleTable) -> ports.Samples:
    return ports.Samples(samples.rows, samples.ends, samples.labels)


def _test_bars(columns: CandleColumns, fold: Fold) -> CandleColumns:
    """The bars that close within the test."""
    return columns.between(fold.test_from - columns.length_ms, fold.until - columns.length_ms)


def _holding(series: Sequence[CandleColumns]) -> float:
    """What equal parts held over the test's bars made, without costs."""
    return float(np.mean([columns.close[-1] / columns.open[0] - 1.0 for columns in series]))


def _series_view(columns: CandleColumns) -> dict[str, Any]:
    return {
        "instrument": columns.symbol,
        "source": columns.source,
        "timeframe": columns.timeframe,
        "candles": len(columns),
        "first": _text(int(columns.times[0])),
        "last": _text(int(columns.times[-1])),
    }


def _fold_view(judged: _Judged) -> dict[str, Any]:
    fold = judged.fold
    return {
        "trained_from": _text(fold.first),
        "validated_from": _text(fold.validation_from),
        "tested_from": _text(fold.test_from),
        "tested_until": _text(fold.until),
        "samples": dict(zip(FEWEST_SAMPLES, judged.parts, strict=True)),
        "epochs": judged.epochs,
        "temperature": judged.temperature,
        "forecast": asdict(judged.forecast),
    }


def _text(milliseconds: int) -> str:
    return str(utc_text(timeframes.from_milliseconds(milliseconds)))


def _day(milliseconds: int) -> str:
    return f"{timeframes.from_milliseconds(milliseconds):%Y-%m-%d}"
