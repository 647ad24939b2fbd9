"""Finds strategies by name. A strategy is a class registered under the entry point group ``tradinghq.strategies``.

A package that ships a strategy declares it in its own ``pyproject.toml``; nothing here changes:

    [project.entry-points."tradinghq.strategies"]
    my_idea = "my_package.my_idea:MyIdea"
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from apps.agents.domain.strategies.contract import Strategy
from apps.agents.domain.strategies.parameter_values import parameter_values

GROUP = "tradinghq.strategies"


class UnknownStrategyError(LookupError):
    """No installed package registers a strategy of this name."""


class UnloadableStrategyError(UnknownStrategyError):
    """A package registers it and can't be loaded; the sentence tells why and the remedy."""


@cache
def strategy_names() -> tuple[str, ...]:
    """The registered names, sorted. Raises ``UnknownStrategyError`` when there is none: the project was not
    installed.
    """
    names = tuple(sorted({point.name for point in entry_points(group=GROUP)}))
    if not names:
        raise UnknownStrategyError(
            f"No package registers a strategy under {GROUP!r}. Install the project: pip install -e ."
        )
    return names


@cache
def strategy_class(name: str) -> type[Strategy]:
    """The class registered under ``name``. Raises ``UnknownStrategyError`` with the names there are, or with what its
    package raised: foreign code may raise anything as it is imported.
    """
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise UnknownStrategyError(f"There is no strategy {name!r}; registered are {', '.join(strategy_names())}.")
    if len({point.value for point in found}) > 1:
        raise UnknownStrategyError(
            f"Several packages register a strategy {name!r}: {', '.join(p.value for p in found)}."
        )
    try:
        loaded: type[Strategy] = found[0].load()
    except Exception as error:
        raise UnloadableStrategyError(
            f"The strategy {name!r} can't be loaded from {found[0].value} ({type(error).__name__}: {error}). If its"
            " package was installed while the firm ran, start the firm again; else mend or uninstall it."
        ) from error
    return loaded


def build_strategy(name: str, parameters: Mapping[str, object]) -> Strategy:
    """The strategy ready to vote. Raises ``UnknownStrategyError`` or ``ParameterError``."""
    kind = strategy_class(name)
    return kind(parameter_values(kind.parameters, parameters))


def judges_by_model(name: str) -> bool:
    """Whether agents of this strategy need a trained model, and so an inference worker; False for an unknown one."""
    try:
        return hasattr(strategy_class(name), "votes_on")
    except UnknownStrategyError:
        return False
