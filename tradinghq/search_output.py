"""What a search came to, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.agents import operations as agents
from apps.agents.domain.search.walk_forward import Fold

NO_FIGURE = "-"


def plan_told(wish: agents.SearchWish, folds: Sequence[Fold], candles: agents.SearchedCandles, processes: int) -> str:
    """What is ahead, before it begins: how long it takes is a matter of the bars."""
    bar = candles.series[0].length_ms
    bars = sum(wish.trials * (fold.train_until - fold.train_from) // bar for fold in folds)
    how = "the signal alone" if agents.search_mode(wish, candles) == "signal" else "the whole firm"
    return (
        f"{_counted(len(folds) - 1, 'test')}, each after its training, and everything once: {len(folds)} times "
        f"{wish.trials} settings of {wish.strategy}, {how} over {bars:,} bars in all, on "
        f"{_counted(processes, 'process', 'processes')}."
    )


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def table(report: Mapping[str, Any]) -> list[str]:
    """The lines that a person reads: each fold in and out of its sample, all tests together, and how much is luck."""
    objective = report["objective"]
    beside = "sharpe" if objective == "total_return" else objective  # the return stands there anyway
    lines = [f"{'fold':>4}  {'tested from':20}{'in sample':>24}{'out of sample':>24}  parameters"]
    lines.append(f"{'':26}{'return':>12}{beside:>12}{'return':>12}{beside:>12}")
    for fold in report["folds"]:
        inside, outside = (_two(fold[name], beside) for name in ("in_sample", "out_of_sample"))
        lines.append(f"{fold['number']:>4}  {fold['test'][0]:20}{inside}{outside}  {_numbers(fold['parameters'])}")
    lines.append("")
    outside, held, best = report["out_of_sample"], report["buy_and_hold"], report["recommended"]
    if outside is not None:
        lines.append(
            f"All tests in a row: {_percent(outside['total_return'])} with a Sharpe ratio of "
            f"{_number(outside['sharpe'])} and a drawdown of {_percent(outside['max_drawdown'])}; "
            f"holding: {_percent(held['total_return'])}."
        )
    lines.append(_kept(report["efficiency"], objective))
    lines.append(
        f"Best on everything, of {best['trials']} tried: {_numbers(best['parameters'])}, "
        f"{_percent(best['in_sample']['total_return'])} in sample."
    )
    lines.append(
        f"Probability that this choice is overfitted: {_percent(best['overfit_probability'])}. "
        f"Deflated Sharpe, probability that it is more than luck: {_percent(best['deflated_sharpe'])}."
    )
    return lines


def _kept(efficiency: float | None, objective: str) -> str:
    named = objective.replace("_", " ")
    if efficiency is None:
        why = "in the trainings it was not above 0, or a test had too little to tell it"
        return f"How much of the {named} was kept out of sample is not known: {why}."
    if efficiency < 0:
        return f"Nothing of the {named} in sample was kept out of sample: it turned into {_percent(efficiency)} of it."
    return f"Of the {named} in sample, {_percent(efficiency)} was kept out of sample."


def _two(figures: Mapping[str, float | None], beside: str) -> str:
    return f"{_percent(figures.get('total_return')):>12}{_number(figures.get(beside)):>12}"


def _numbers(parameters: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in sorted(parameters.items()))


def _percent(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value * 100:.2f} %"


def _number(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:.2f}"
