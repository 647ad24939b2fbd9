"""Check a strategy on recorded candles: does it see the future, does it need more history than it says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from apps.agents.domain.backtest.bias_checks import (
    BiasFinding,
    lookahead_findings,
    sampled_places,
    warmup_findings,
)
from apps.agents.domain.strategies.contract import Strategy
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy
from apps.foundation.errors import Refused
from apps.market.domain.candle_columns import CandleColumns
from apps.trading.domain.venues.paper_terms import terms_of

MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class StrategyCheck:
    """``places`` were looked at; ``findings`` are the first of what differed, in sentences."""

    places: int
    needs_bars: int
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.findings


def check_lookahead(
    *, strategy: str, parameters: Mapping[str, object], columns: CandleColumns, points: int
) -> StrategyCheck:
    """Whether no vote depends on what came later or was asked before. Raises ``Refused`` naming the field."""
    return _check(lookahead_findings, strategy, parameters, columns, points)


def check_warmup(
    *, strategy: str, parameters: Mapping[str, object], columns: CandleColumns, points: int
) -> StrategyCheck:
    """Whether the history that the strategy asks for is all it uses. Raises ``Refused`` naming the field."""
    return _check(warmup_findings, strategy, parameters, columns, points)


def _check(
    look: Callable[..., Iterator[BiasFinding]],
    name: str,
    parameters: Mapping[str, object],
    columns: CandleColumns,
    points: int,
) -> StrategyCheck:
    def build() -> Strategy:
        return build_strategy(name, parameters)

    try:
        needs = build_strategy(name, parameters).needs_bars
        places = sampled_places(columns, needs=needs, points=points)
    except UnknownStrategyError as error:
        raise Refused(str(error), code="unknown_strategy", field="strategy") from error
    except ParameterError as error:
        raise Refused(error.message, code="invalid_parameter", field=error.field) from error
    except ValueError as error:
        raise Refused(str(error), code="too_few_candles", field="data") from error
    fee_bps = float(terms_of(columns.symbol).side_fee_bps)
    found: list[str] = []
    for finding in look(build, columns, places, fee_bps=fee_bps):
        found.append(finding.sentence())
        if len(found) == MOST_FINDINGS:
            break
    return StrategyCheck(len(places), needs, tuple(found))
