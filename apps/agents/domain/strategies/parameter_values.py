"""Checks the numbers a person sets on a strategy against what the strategy declares."""

import math
from collections.abc import Iterable, Mapping

from apps.agents.domain.strategies.contract import Parameter


class ParameterError(ValueError):
    """A parameter is unknown, no number or out of bounds; ``field`` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def parameter_values(declared: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, float]:
    """Every declared parameter with the value given or its default. Raises ``ParameterError``."""
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            choices = ", ".join(known) or "none"
            raise ParameterError(name, f"The strategy has no parameter {name!r}; it has {choices}.")
    return {name: _value(parameter, given.get(name, parameter.default)) for name, parameter in known.items()}


def _value(parameter: Parameter, raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ParameterError(parameter.name, f"{parameter.name} must be a number, was {raw!r}.")
    if not math.isfinite(raw) or not parameter.lowest <= raw <= parameter.highest:
        bounds = f"between {parameter.lowest:g} and {parameter.highest:g}"
        raise ParameterError(parameter.name, f"{parameter.name} was {raw}; it must lie {bounds}.")
    if parameter.whole and raw != int(raw):
        raise ParameterError(parameter.name, f"{parameter.name} was {raw}; it must be a whole number.")
    return float(raw)
