"""Where a search looks: the values between which each parameter of a strategy may move."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.agents.domain.strategies.contract import Parameter
from apps.agents.domain.strategies.parameter_values import ParameterError

PAIR = 2


@dataclass(frozen=True, slots=True)
class Dimension:
    """One parameter that is searched, from ``lowest`` to ``highest``, both included."""

    name: str
    lowest: float
    highest: float
    whole: bool


def parameter_space(
    declared: Iterable[Parameter], *, given: Mapping[str, Sequence[float]], fixed: Mapping[str, object]
) -> tuple[Dimension, ...]:
    """What is searched, by name: as ``given`` (from, to), else as the strategy declares it; never what is ``fixed``.

    Raises ``ParameterError`` naming a parameter that is unknown or whose span is no span, leaves the strategy's bounds
    or has no room; its field is empty where nothing at all is left to search.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in (*given, *fixed):
        if name not in known:
            choices = ", ".join(known) or "none"
            raise ParameterError(name, f"The strategy has no parameter {name!r}; it has {choices}.")
    both = sorted(given.keys() & fixed.keys())
    if both:
        raise ParameterError(both[0], f"{both[0]} is fixed and searched; give it one way.")
    spans = {name: given.get(name, parameter.searched) for name, parameter in known.items() if name not in fixed}
    found = tuple(_dimension(known[name], span) for name, span in sorted(spans.items()) if span is not None)
    if not found:
        raise ParameterError("", "Nothing is left to search: every parameter is fixed, or declares no span to search.")
    return found


def _dimension(parameter: Parameter, span: Sequence[float]) -> Dimension:
    name = parameter.name
    if len(span) != PAIR or any(isinstance(end, bool) or not isinstance(end, int | float) for end in span):
        raise ParameterError(name, f"The span of {name} is written [from, to], such as [5, 50]; was {list(span)}.")
    lowest, highest = float(span[0]), float(span[1])
    if not parameter.lowest <= lowest <= highest <= parameter.highest:
        bounds = f"{parameter.lowest:g} to {parameter.highest:g}"
        raise ParameterError(name, f"The span of {name} was {lowest:g} to {highest:g}; it must lie in {bounds}.")
    if lowest == highest:
        told = f"The span of {name} was {lowest:g} to {highest:g}: there is no room to search. Fix it instead."
        raise ParameterError(name, told)
    if parameter.whole and (lowest != int(lowest) or highest != int(highest)):
        raise ParameterError(name, f"{name} is a whole number; its span was {lowest:g} to {highest:g}.")
    return Dimension(name, lowest, highest, parameter.whole)
