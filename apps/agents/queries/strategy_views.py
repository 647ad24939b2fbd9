"""The strategies that agents can be made of."""

from datetime import datetime
from typing import Any

from apps.agents import ports
from apps.agents.domain.agent_resources import resource_spans
from apps.agents.domain.strategies.registry import (
    UnknownStrategyError,
    build_strategy,
    judges_by_model,
    strategy_class,
    strategy_names,
)
from apps.agents.queries.inference_devices import device_loads
from apps.foundation.errors import NotReady


def strategy_views(wall: datetime) -> list[dict[str, Any]]:
    """Every registered strategy with its parameters, their defaults and bounds, by name.

    ``unavailable``: why an agent of it could not vote here, and the remedy; empty where it could. ``resources``: what
    an agent of it gets by default, and the bounds of that.
    """
    silent = _no_network_judges(wall)
    return [_view(name, silent if judges_by_model(name) else "") for name in strategy_names()]


def _no_network_judges(wall: datetime) -> str:
    """Neither this installation nor a device that told of itself can ask a network."""
    missing = ports.engine().missing()
    if missing is None:
        return ""
    try:
        return "" if device_loads(wall) else missing
    except NotReady:
        return missing


def _view(name: str, silent: str) -> dict[str, Any]:
    """One whose package can't be loaded is listed with the reason, and hides no other."""
    try:
        kind = strategy_class(name)
    except UnknownStrategyError as error:
        nothing = {"description": "", "default_timeframe": "", "needs_bars": 0, "parameters": []}
        return {"name": name, **nothing, "resources": resource_spans(), "unavailable": str(error)}
    return {
        "name": name,
        "unavailable": silent,
        "description": kind.description,
        "default_timeframe": kind.default_timeframe,
        "needs_bars": build_strategy(name, {}).needs_bars,
        "resources": resource_spans(),
        "parameters": [
            {
                "name": parameter.name,
                "default": parameter.default,
                "lowest": parameter.lowest,
                "highest": parameter.highest,
                "whole": parameter.whole,
                "description": parameter.description,
                "searched": list(parameter.searched) if parameter.searched else None,
            }
            for parameter in kind.parameters
        ],
    }
