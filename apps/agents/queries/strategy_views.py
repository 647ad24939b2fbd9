"""The strategies that agents can be made of."""

from typing import Any

from apps.agents.domain.strategies.registry import build_strategy, strategy_class, strategy_names


def strategy_views() -> list[dict[str, Any]]:
    """Every registered strategy with its parameters, their defaults and bounds, by name."""
    return [_view(name) for name in strategy_names()]


def _view(name: str) -> dict[str, Any]:
    kind = strategy_class(name)
    return {
        "name": name,
        "description": kind.description,
        "default_timeframe": kind.default_timeframe,
        "needs_bars": build_strategy(name, {}).needs_bars,
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
