"""Judges what a person wants of an agent, before any row is touched; speaks in the API's errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.agents.domain.agent_resources import ResourcesError, checked_resources
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import (
    UnknownStrategyError,
    UnloadableStrategyError,
    build_strategy,
    strategy_class,
)
from apps.agents.models import AgentKind
from apps.foundation.errors import NotFound, Refused
from apps.market import queries as market
from apps.market.domain import timeframes

MOST_INSTRUMENTS = 200


def check_type(kind: str) -> str:
    """The kind of agent; only trading agents exist."""
    if kind not in AgentKind.values:
        raise Refused(
            f"type must be one of {', '.join(AgentKind.values)}, was {kind!r}.", code="unknown_type", field="type"
        )
    return kind


def check_strategy(strategy: str, parameters: Mapping[str, Any]) -> None:
    """Raise ``Refused`` unless the strategy exists and takes these parameters."""
    try:
        build_strategy(strategy, parameters)
    except UnloadableStrategyError as error:
        raise Refused(str(error), code="unknown_strategy", field="strategy") from None
    except UnknownStrategyError as error:
        told = f"{error} One that was installed meanwhile is known once the firm was started again."
        raise Refused(told, code="unknown_strategy", field="strategy") from None
    except ParameterError as error:
        raise Refused(error.message, code="invalid_parameter", field=f"parameters.{error.field}") from None


def check_resources(given: Mapping[str, Any]) -> dict[str, object]:
    """Memory and processors with their defaults filled in."""
    try:
        return checked_resources(given)
    except ResourcesError as error:
        raise Refused(error.message, code="invalid_resources", field=f"resources.{error.field}") from None


def check_instruments(symbols: Sequence[str]) -> list[str]:
    """The instruments, each once and known; an empty list stands for the watch list."""
    if len(symbols) > MOST_INSTRUMENTS:
        raise Refused(
            f"At most {MOST_INSTRUMENTS} instruments, were {len(symbols)}.", code="too_many", field="instruments"
        )
    for symbol in symbols:
        try:
            market.instrument_rules(symbol)
        except NotFound as error:
            raise Refused(error.message, code="unknown_instrument", field="instruments") from None
    return list(dict.fromkeys(symbols))


def check_timeframe(timeframe: str) -> str:
    """A timeframe whose candles the running market stores."""
    stored = timeframes.stored_from(market.market_clock().base_timeframe)
    if timeframe not in stored:
        raise Refused(
            f"timeframe must be one this market stores ({', '.join(stored)}), was {timeframe!r}.",
            code="timeframe_not_stored",
            field="timeframe",
        )
    return timeframe


def default_timeframe(strategy: str) -> str:
    """The strategy's own timeframe, or the next coarser one that the running market stores."""
    wanted = timeframes.seconds(strategy_class(strategy).default_timeframe)
    stored = timeframes.stored_from(market.market_clock().base_timeframe)
    return next((name for name in stored if timeframes.seconds(name) >= wanted), stored[-1])
